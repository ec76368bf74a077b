"""Text whose lines a mail program broke softly (RFC 3676) → the lines that were written."""

from __future__ import annotations


def unflowed(text: str, *, delete_space: bool) -> str:
    """Joins soft line breaks, also in quotes; `delete_space`: DelSp=yes, as languages without
    spaces need it."""
    out = list[str]()
    joins, before = False, 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
        words = line.lstrip(">")
        depth = len(line) - len(words)
        words = words.removeprefix(" ")
        soft = words.endswith(" ") and words != "-- "
        if not (joins and depth == before and words != "-- "):
            out += ("\n" if number else "", f"{'>' * depth} " if depth else "")
        out.append(words[:-1] if soft and delete_space else words)
        joins, before = soft, depth
    return "".join(out)
