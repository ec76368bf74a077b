"""Who stands behind a mail's From, by what our own mail server wrote into `Authentication-Results`
(RFC 8601). Never raises.

authres 1.2 raises on the form without a name (Microsoft's), on a semicolon at the end (Yahoo's), on
`smtp.mailfrom=<>` and on domains beyond ASCII, so the field is read here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from services.email.domain.headers import Headers

NAMELESS = "none"
"""Stands for the form without a server's name, as Exchange Online writes it."""
_RESULT = re.compile(r" ?([a-z][a-z0-9-]{0,30}) ?(?:/ ?\d{1,9} ?)?= ?([a-z]{1,20})")
_PROPERTY = re.compile(r" (?:header\.|smtp\.)?([a-z]{1,20}) ?= ?([^ ;]{1,500})")
_INSTANCE = re.compile(r"(?:^|;) ?i ?= ?(\d{1,2}) ?(?:;|$)")
_SEALER = re.compile(r"; ?d ?= ?([^ ;]{1,255})")
_BY_ARC = "130"
"""Microsoft's reason where a sealer that the organisation trusts vouches for what fails."""


class Standing(StrEnum):
    """What is known of who sent a mail."""

    SIGNED = "signed"
    """The domain in From signed it (DKIM)."""
    SENT = "sent"
    """A server that the domain in From names sent it (SPF)."""
    VOUCHED = "vouched"
    """A mailing list that we trust changed it, and says that it was genuine before (ARC)."""
    UNPROVEN = "unproven"
    """Nothing tells: most small domains sign nothing. That is no forgery."""
    UNKNOWN = "unknown"
    """It could not be found out, as where DNS does not answer."""
    FORGED = "forged"
    """The domain in From says that its mails are signed or sent by its servers. This is not."""


class Results(NamedTuple):
    """What was found out: results are RFC 8601's words, empty where nobody looked."""

    spf: str = ""
    mail_from: str = ""
    """Its domain, or that of HELO."""
    dkim: tuple[str, ...] = ()
    """The domains whose signatures are good."""
    dmarc: str = ""
    header_from: str = ""
    """The domain that DMARC was about; empty where that is not told."""
    policy: str = ""
    """What that domain wants done with what fails, where we asked ourselves."""
    arc: str = ""
    compauth: str = ""
    """Microsoft's own verdict, with its reason: `pass 130`."""
    in_doubt: bool = False
    """Something could not be found out."""


class Verdict(NamedTuple):
    """`by`: the domain that it is about: who signed, sent or vouches, or else the one in From."""

    standing: Standing
    by: str


def written(headers: Headers, trusted: Collection[str]) -> Results | None:
    """Returns what the trusted server wrote; None where it wrote nothing. That server is the one of
    the topmost field, and fields below it count while they are of its name: some have a program for
    each method. What comes first counts, and of the nameless form only one field. All others came
    with the mail, and anybody may have written them (RFC 8601, 5)."""
    found: _Found = {}
    server = ""
    for value in headers.every("authentication-results"):
        name, here = _read(value)
        if name not in trusted or (server and (name != server or name == NAMELESS)):
            break
        server, found = name, here | found
    return _results(found) if server else None


def judged(found: Results, author: str, vouching: str) -> Verdict:
    """Judges what was found out of a mail whose From is at this domain. `vouching`: as `vouched`
    returns it."""
    if not author:
        return Verdict(Standing.FORGED if found.dmarc == "fail" else Standing.UNPROVEN, "")
    signer = next((domain for domain in found.dkim if aligned(domain, author)), "")
    if found.dmarc == "fail" and found.policy != "none":
        if vouching and found.arc == "pass":
            return Verdict(Standing.VOUCHED, vouching)
        return Verdict(Standing.UNPROVEN if found.compauth == f"pass {_BY_ARC}" else Standing.FORGED, author)
    if signer:
        return Verdict(Standing.SIGNED, signer)
    passed = found.dmarc == "pass" and (not found.header_from or aligned(found.header_from, author))
    if passed or (found.spf == "pass" and aligned(found.mail_from, author)):
        return Verdict(Standing.SENT, author)
    return Verdict(Standing.UNKNOWN if found.in_doubt else Standing.UNPROVEN, author)


def author_of(headers: Headers) -> str:
    """Returns the domain in From; empty where several are named, or none: then nothing
    can be told (RFC 9989, 6.1)."""
    domains = {entry.address.rpartition("@")[2] for entry in headers.addresses("from")}
    return domains.pop() if len(domains) == 1 else ""


def vouched(headers: Headers, author: str, sealers: Collection[str]) -> str:
    """Returns the trusted list that says that the mail was genuine when it came there; empty where
    none does. Whether the seals are whole is for `Results.arc` to tell. From the newest seal on, as
    long as each is one that we trust: below another's, anything may have been made up."""
    seals = {_number(value): value for value in reversed(headers.every("arc-seal"))}
    told = {_number(value): value for value in reversed(headers.every("arc-authentication-results"))}
    list_ = ""
    for number in range(max(seals, default=0), 0, -1):
        match = _SEALER.search(f";{_bare(seals.get(number, ''))}")
        if match is None or match[1] not in sealers:
            break
        list_ = list_ or match[1]
        # The instance stands before the server's name: `i=1; lists.example; dkim=pass …`.
        found = _results(_read(told.get(number, "").partition(";")[2])[1])
        if found.dmarc == "pass" or any(aligned(domain, author) for domain in found.dkim):
            return list_
    return ""


def aligned(domain: str, author: str) -> bool:
    """Whether these domains are of one organisation, as far as their names tell: they are the same,
    or one is above the other."""
    return bool(domain) and (domain == author or author.endswith(f".{domain}") or domain.endswith(f".{author}"))


def _results(found: _Found) -> Results:
    def first(method: str) -> tuple[str, dict[str, str]]:
        return found.get(method, [("", {})])[0]

    (spf, sent), (dmarc, told), (compauth, why) = first("spf"), first("dmarc"), first("compauth")
    signers = (_domain(of.get("d") or of.get("i", "")) for result, of in found.get("dkim", []) if result == "pass")
    return Results(
        spf=spf,
        mail_from=_domain(sent.get("mailfrom", "")) or _domain(sent.get("helo", "")),
        dkim=tuple(dict.fromkeys(filter(None, signers))),
        dmarc=dmarc,
        header_from=_domain(told.get("from", "")),
        arc=first("arc")[0],
        compauth=f"{compauth} {why.get('reason', '')}".strip(),
        in_doubt=any(result == "temperror" for results in found.values() for result, _ in results),
    )


_Found = dict[str, list[tuple[str, dict[str, str]]]]
"""By method: its results, each with its properties."""


def _read(value: str) -> tuple[str, _Found]:
    """Returns the server's name, and what it found."""
    first, *rest = _bare(value).split(";")
    name = first.split()[0] if first.split() else ""
    if "=" in first:
        name, rest = NAMELESS, [first, *rest]
    found: _Found = {}
    for part in rest:
        if match := _RESULT.match(part):
            found.setdefault(match[1], []).append((match[2], dict(reversed(_PROPERTY.findall(part)))))
    return name, found


def _domain(value: str) -> str:
    return value.strip("<>\"'").rpartition("@")[2].rstrip(".")


def _number(value: str) -> int:
    match = _INSTANCE.search(_bare(value))
    return int(match[1]) if match else 0


def _bare(value: str) -> str:
    """Returns the value in lower case, without comments, which nest, and without quoted strings."""
    out, depth, quoted, escaped = list[str](), 0, False, False
    for character in value:
        if escaped:
            escaped = False
        elif character == "\\" and (depth or quoted):
            escaped = True
        elif character == '"' and not depth:
            quoted = not quoted
        elif character == "(" and not quoted:
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif not depth and not quoted:
            out.append(character)
    return " ".join("".join(out).lower().split())
