"""A mail falls into the same parts as for every other mail program, though no part is copied and no
line looked at alone."""

from __future__ import annotations

import email
import email.policy
from email.message import Message
from email.parser import BytesHeaderParser

from hypothesis import given
from hypothesis import strategies as st

from services.email.domain import structure
from services.email.domain.structure import Part

ENDS = st.sampled_from([b"\n", b"\r\n"])
LINES = st.lists(st.sampled_from([b"words", b"", b"--", b"--b", b"--b0 x", b" --b1", b"From: x", b"--b1-"]), max_size=4)


def known(message: Message) -> object:
    """As the standard library takes it apart."""
    payload = message.get_payload()
    below = [known(child) for child in payload] if isinstance(payload, list) else str(payload)
    return message.get_content_type(), message.items(), below


def ours(part: Part) -> object:
    below = [ours(child) for child in part.parts] if part.parts else bytes(part.body).decode("ascii", "surrogateescape")
    return part.get_content_type(), part.items(), below


@st.composite
def mails(draw: st.DrawFn, depth: int = 0) -> list[bytes]:
    """Lines of a part: with parts in it, or a mail, or words that look like anything."""
    kind = draw(
        st.sampled_from(["text", "text", "mixed", "alternative", "digest", "rfc822"] if depth < 3 else ["text"])
    )
    if kind == "text":
        return [b"Content-Type: text/plain", b"", *draw(LINES)]
    if kind == "rfc822":
        return [b"Content-Type: message/rfc822", b"", *draw(mails(depth=depth + 1))]
    mark = b"--b%d" % depth
    lines = [b"Content-Type: multipart/%s; boundary=b%d" % (kind.encode(), depth), b"", *draw(LINES)]
    for child in draw(st.lists(mails(depth=depth + 1), min_size=1, max_size=3)):
        lines += [mark + draw(st.sampled_from([b"", b" ", b"\t "])), *child]
    return [*lines, *([mark + b"--", b"epilogue"] if draw(st.booleans()) else [])]


FIELDS = [
    "A: b",
    "B:",
    "C : d",
    " more",
    "\t",
    ": none",
    "From x",
    "From: y",
    "D:  e \x0b f\x1c g",
    "A: \udcff",
    "E:f:g",
    "Content-X: h",
]


@given(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=8), ENDS)
def test_fields_are_those_of_the_standard_library(lines: list[str], end: bytes) -> None:
    block = end.join(line.encode("ascii", "surrogateescape") for line in ["A: first", *lines, ""])
    found = BytesHeaderParser(policy=email.policy.compat32).parsebytes(block.replace(b"\r\n", b"\n"))
    assert list(structure.read(block).raw_items()) == list(found.raw_items())


@given(mails(), ENDS)
def test_parts_are_those_of_the_standard_library(lines: list[bytes], end: bytes) -> None:
    # Of a last part without its closing mark the standard library drops one line end, and we do
    # not: no reader can tell.
    raw = end.join([b"Subject: x", *lines]).rstrip(b"\r\n")
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    assert ours(structure.read(raw)) == known(message)
