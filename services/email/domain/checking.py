"""SPF, DKIM, DMARC and ARC, checked by ourselves (RFC 7208, 6376, 8617, 9989).

Nothing is asked here: what DNS says comes along as answers, so that the check can run where mails
are read, away from the network and within limits of time and memory. Never raises. dkimpy looks at
the clock, for signatures that have expired.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from services.email.domain import structure
from services.email.domain.authentication import Results, aligned, author_of
from services.email.domain.headers import Headers
from services.email.domain.structure import MAX_HEADER_BYTES, Part

Answers = Mapping[str, tuple[str, ...] | None]
"""By question, such as `TXT _dmarc.a.example`: the records, none where there are none, and None
where that could not be found out."""
MOST_SIGNATURES, MOST_SEALS = 4, 5
_MOST_FIELDS = 500
_LONGEST_FIELD, _LONGEST_BLANK = 8_000, re.compile(rb"\s{100}")
"""What dkimpy would take long over, and no honest signature has."""
_FIELDS = re.compile(rb"(?:[!-9;-~]++:[^\r\n]*+(?:\r\n[ \t][^\r\n]*+)*+\r\n)++")
"""Nothing but fields (RFC 5322, 2.2). A bare CR or LF, and a line that is no field, are taken in
different ways by whoever reads a mail and whoever signs it: below what one takes for the end of the
header, or within one field of the other's, a stranger could write a From or words of their own."""
_LONGEST_KEY = 2_000
"""Characters of a key's record: RSA with 4,096 bits has 800."""
_HIGHEST = 8
"""Names that are asked for a policy (RFC 9989, 4.10)."""
_CHUNK = 1 << 18
_NAME = re.compile(r"[^\s.]{1,63}(?:\.[^\s.]{1,63})+")
_POLICY = re.compile(r"v ?= ?DMARC1 ?(?:;|$)")


class Client(NamedTuple):
    """Who handed the mail to us: the address, what it said in HELO, and the sender in the
    envelope."""

    address: str
    helo: str
    sender: str

    @property
    def domain(self) -> str:
        """What SPF is about: the envelope's domain, or HELO's where that has no sender."""
        return (self.sender.rpartition("@")[2] or self.helo).lower().rstrip(".")


class Evidence(NamedTuple):
    """What was found out before the mail is read. `spf`: empty where nobody knows who handed the
    mail over."""

    spf: str
    domain: str
    """That SPF is about."""
    answers: dict[str, tuple[str, ...] | None]


class Missing(Exception):
    """Nobody has asked this yet; the question is the argument."""


def questions(headers: Headers, domain: str) -> tuple[str, ...]:
    """Returns what has to be known of keys and policies to check a mail. `domain`: that SPF is
    about, if any."""
    author = author_of(headers)
    signatures = [tags for _, tags in _signatures(headers, author)]
    names = [_key(tags) for tags in (*signatures, *_seals(headers))]
    for about in dict.fromkeys((author, domain, *(tags["d"] for tags in signatures))):
        names += (f"_dmarc.{name}" for name in _above(about))
    return tuple(f"TXT {name}" for name in dict.fromkeys(names) if _NAME.fullmatch(name))


def head_of(raw: bytes) -> Part:
    """Returns the fields of a mail that is not read yet."""
    return structure.read(raw[:MAX_HEADER_BYTES].partition(b"\r\n\r\n" if b"\r\n" in raw else b"\n\n")[0])


def spf(client: Client, answers: Answers) -> str:
    """Returns what SPF says, in its own words. Raises Missing."""
    import spf as pyspf

    class Query(pyspf.query):  # type: ignore[misc] # pyspf has no types
        def dns(self, name: Any, kind: str, cnames: Any = None, ignore_void: bool = False) -> list[Any]:  # noqa: ARG002
            name = str(name).rstrip(".").lower()
            records = _records(answers, name, kind)
            if records is None and f"{kind} {name}" not in answers:
                raise Missing(f"{kind} {name}")
            if records is None:
                raise pyspf.TempError("DNS does not answer")
            if not records and not ignore_void:
                self.void_lookups += 1
                if self.void_lookups > pyspf.MAX_VOID_LOOKUPS:
                    raise pyspf.PermError("too many names that do not exist")
            return [_of_kind(kind, record) for record in records]

    try:
        return str(Query(i=client.address, s=client.sender, h=client.helo).check()[0])
    except Missing:
        raise
    except Exception:  # noqa: BLE001 - odd records and names trip the library in many ways
        return "permerror"


def check(raw: bytes, headers: Headers, evidence: Evidence, sealers: frozenset[str]) -> Results:
    """Checks a mail. Seals are looked at only where DMARC fails and one is of these lists. `raw`:
    empty where there was not the time or the memory to look at all of it. Where SPF is not known no
    mail fails: its server may be one that the domain names."""
    if not raw:
        return Results(spf=evidence.spf, mail_from=evidence.domain, in_doubt=True)
    raw = raw if b"\r\n" in raw else raw.replace(b"\n", b"\r\n")  # as it was on its way
    author, answers = author_of(headers), evidence.answers
    signed, good, open_ = _Signed(raw), list[str](), False
    ours = _organisation(author, answers)
    for number, tags in _signatures(headers, author):
        # Only what could speak for the author leaves the matter open: of other domains anybody can
        # see to it that they never answer.
        unknown = _records(answers, _key(tags)) is None
        open_ = open_ or (unknown and _organisation(tags["d"], answers) == ours)
        if not unknown and signed.is_good(number, tags, answers):
            good.append(tags["d"])
            if aligned(tags["d"], author):
                break
    open_ = open_ or (evidence.spf == "temperror" and _organisation(evidence.domain, answers) == ours)
    dmarc, policy = _dmarc(author, good, evidence)
    seals, arc = _seals(headers), ""
    if dmarc == "fail" and any(tags["d"] in sealers for tags in seals):
        open_ = open_ or any(_records(answers, _key(tags)) is None for tags in seals if tags["d"] in sealers)
        arc = signed.sealed(answers)
    if dmarc == "fail" and (open_ or not evidence.spf) and arc != "pass":
        dmarc = "temperror"
    return Results(
        spf=evidence.spf,
        mail_from=evidence.domain,
        dkim=tuple(good),
        dmarc=dmarc,
        header_from=author,
        policy=policy,
        arc=arc,
        in_doubt=dmarc == "temperror" or (open_ and not good),
    )


def _dmarc(author: str, good: list[str], evidence: Evidence) -> tuple[str, str]:
    """Returns the result, and what the domain wants done with what fails."""
    answers = evidence.answers
    if any(_records(answers, f"_dmarc.{name}") is None for name in _above(author)):
        return "temperror", ""
    organisation = _organisation(author, answers)
    exact = _policy(author, answers)
    registry = _policy(organisation.partition(".")[2], answers)
    record = exact or _policy(organisation, answers) or (registry if registry.get("psd") == "y" else {})
    if not record:
        return "none", ""
    wish = record.get("p", "none") if exact else record.get("sp", record.get("p", "none"))
    if record.get("t") == "y":
        wish = {"reject": "quarantine"}.get(wish, "none")

    def fits(domain: str, mode: str) -> bool:
        same = _organisation(domain, answers) == organisation and record.get(mode) != "s"
        return domain == author or same

    passed = evidence.spf == "pass" and fits(evidence.domain, "aspf")
    return "pass" if passed or any(fits(domain, "adkim") for domain in good) else "fail", wish


def _organisation(domain: str, answers: Answers) -> str:
    """Returns the organisation's domain by the tree walk (RFC 9989, 4.10.2)."""
    found = below = ""
    for name in _above(domain):
        record = _policy(name, answers)
        if record.get("psd") == "n":
            return name
        if record.get("psd") == "y" and below:
            return below
        found = name if record else found
        below = name
    return found or domain


def _above(domain: str) -> Iterator[str]:
    """Yields the domain and those above it, of long ones the last seven names."""
    labels = domain.split(".")
    yield domain
    for left in range(min(len(labels), _HIGHEST) - 1, 0, -1):
        yield ".".join(labels[-left:])


def _policy(domain: str, answers: Answers) -> dict[str, str]:
    records = [" ".join(record.split()) for record in _records(answers, f"_dmarc.{domain}") or ()]
    found = [record for record in records if _POLICY.match(record)]
    return {name: value.lower() for name, value in _tags(found[0]).items()} if len(found) == 1 else {}


def _records(answers: Answers, name: str, kind: str = "TXT") -> tuple[str, ...] | None:
    """Returns the records; None where they are not known. What is no name has none."""
    return answers.get(f"{kind} {name}") if _NAME.fullmatch(name) else ()


def _signatures(headers: Headers, author: str) -> list[tuple[int, dict[str, str]]]:
    """Returns the signatures that are looked at, each with its number from the top; first those of
    the author's own domain."""
    found = [*enumerate(map(_tags, headers.every("dkim-signature")))]
    return sorted(found, key=lambda each: not aligned(each[1]["d"], author))[:MOST_SIGNATURES]


def _seals(headers: Headers) -> list[dict[str, str]]:
    fields = (*headers.every("arc-seal")[:MOST_SEALS], *headers.every("arc-message-signature")[:MOST_SEALS])
    return [_tags(value) for value in fields]


def _tags(value: str) -> dict[str, str]:
    """Returns the tags of a signature or record (RFC 6376, 3.2)."""
    pairs = (part.partition("=") for part in value.split(";"))
    found = {name.strip().lower(): "".join(said.split()) for name, _, said in pairs}
    return found | {"d": found.get("d", "").lower().rstrip(".")}


def _key(tags: Mapping[str, str]) -> str:
    return f"{tags.get('s', '').lower()}._domainkey.{tags['d']}"


def _of_kind(kind: str, record: str) -> Any:
    if kind == "TXT":
        return (record.encode("latin-1", "replace"),)
    if kind == "MX":
        preference, _, exchange = record.partition(" ")
        return int(preference), exchange
    return record


class _Signed:
    """A mail as its signers saw it."""

    def __init__(self, raw: bytes) -> None:
        end = raw.find(b"\r\n\r\n")
        self._raw, self._body = raw, end + 4 if end >= 0 else len(raw)
        self._hashes: dict[bool, tuple[int, bytes]] = {}
        self._only_fields = end < MAX_HEADER_BYTES and bool(_FIELDS.fullmatch(raw, 0, max(end + 2, 0)))
        self._fields = list[list[bytes]]()
        for line in raw[: max(end, 0)].split(b"\r\n", 20 * _MOST_FIELDS):
            name, colon, value = line.partition(b":")
            if line[:1] in {b" ", b"\t"} and self._fields:
                self._fields[-1][1] += line + b"\r\n"
            elif colon:
                self._fields.append([name, value + b"\r\n"])

    def is_good(self, number: int, tags: Mapping[str, str], answers: Answers) -> bool:
        """Whether the signature of this number is good: over From and the whole body, and made in a
        way that still proves something (RFC 8301)."""
        import dkim

        if "from" not in tags.get("h", "").lower().split(":") or tags.get("a", "").endswith("-sha1"):
            return False
        if not self._harmless(b"dkim-signature"):
            return False
        verifier = self._verifier(dkim.DKIM)
        verifier.headers = self._fields
        try:
            return bool(verifier.verify(number, _dns(answers)))
        except Exception:  # noqa: BLE001 - broken signatures trip the library in many ways
            return False

    def sealed(self, answers: Answers) -> str:
        """Returns `pass` where all seals, and the newest signature, are good; else `fail`."""
        import dkim

        if not self._harmless(b"arc-seal", b"arc-message-signature", b"arc-authentication-results"):
            return "fail"
        verifier = self._verifier(dkim.ARC)
        # The library looks for " i=1;" in the field as it came, though other blanks are allowed.
        verifier.headers = [
            [name, b" " + b" ".join(value.split()) + b"\r\n" if name.lower().startswith(b"arc-") else value]
            for name, value in self._fields
        ]
        try:
            return "pass" if verifier.verify(_dns(answers))[0] == dkim.CV_Pass else "fail"
        except Exception:  # noqa: BLE001
            return "fail"

    def _verifier(self, base: Any) -> Any:
        """Returns dkimpy's verifier, with a hash of the body that takes neither the square of a run
        of blanks nor ninety times the body's memory, and counts all of it."""
        mail = self

        class Verifier(base):  # type: ignore[misc] # dkimpy has no types
            def verify_sig(self, sig: dict[bytes, bytes], *rest: Any) -> bool:
                if b"bh" in sig:
                    length, digest = mail._body_hash(relaxed=sig.get(b"c", b"").endswith(b"/relaxed"))
                    if b64decode(sig[b"bh"]) != digest or int(sig.get(b"l", length)) < length:
                        return False
                    sig = {name: value for name, value in sig.items() if name != b"bh"}
                return bool(super().verify_sig(sig, *rest))

        return Verifier()

    def _body_hash(self, *, relaxed: bool) -> tuple[int, bytes]:
        """Returns the length of the body in this canonical form and its SHA-256 (RFC 6376, 3.4)."""
        if relaxed not in self._hashes:
            digest, length, start, end = hashlib.sha256(), 0, self._body, self._end(b"\r\n\t " if relaxed else b"\r\n")
            while start < end:
                stop = self._raw.rfind(b"\r\n", start + 2, min(start + _CHUNK, end))
                stop = stop if stop > 0 else self._raw.find(b"\r\n", start + 2, end)
                piece = self._raw[start : stop if stop > 0 else end]
                start += len(piece)
                if relaxed:
                    piece = piece.replace(b"\t", b" ")
                    while b"  " in piece:
                        piece = piece.replace(b"  ", b" ")
                    piece = piece.replace(b" \r\n", b"\r\n").rstrip(b" ")
                digest.update(piece)
                length += len(piece)
            last = b"\r\n" if length or not relaxed else b""
            digest.update(last)
            self._hashes[relaxed] = length + len(last), digest.digest()
        return self._hashes[relaxed]

    def _end(self, blanks: bytes) -> int:
        """Returns where the body ends without these octets at its end."""
        end = len(self._raw)
        while end > self._body:
            piece = self._raw[max(self._body, end - _CHUNK) : end]
            kept = len(piece.rstrip(blanks))
            end -= len(piece) - kept
            if kept:
                break
        return end

    def _harmless(self, *names: bytes) -> bool:
        """Whether these fields are ones that the library reads as we do, and soon."""
        fields = [value for name, value in self._fields if name.lower() in names]
        few = len(self._fields) <= _MOST_FIELDS and len(fields) <= 3 * MOST_SEALS
        long = any(len(value) > _LONGEST_FIELD or _LONGEST_BLANK.search(value) for value in fields)
        return self._only_fields and few and not long


def _dns(answers: Answers) -> Any:
    def key(name: bytes, timeout: float = 0) -> bytes:  # noqa: ARG001 - as dkimpy calls it
        records = _records(answers, name.decode("latin-1").rstrip(".").lower()) or ("",)
        return records[0][:_LONGEST_KEY].encode("latin-1", "replace")

    return key
