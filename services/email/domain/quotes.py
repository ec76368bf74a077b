"""Cut quoted text and signatures, for display. A first, careful version.

What goes wrong without it: an agent reads ten old mails to find one new line. What goes wrong with too much of it: the
customer's own words disappear. So: when unsure, keep. The original stays in the storage. The languages and clients that
this does not know yet only leave more text than needed.
"""

from __future__ import annotations

import re

_HTML_QUOTE = re.compile(
    r"<(?:div|blockquote|span|section|table)\b[^>]{0,500}?(?:"
    r"class=[\"']?[^\"'>]{0,80}\b(?:gmail_quote(?:_container)?|gmail_attr|yahoo_quoted|moz-cite-prefix|protonmail_quote|tutanota_quote)\b"
    r"|id=[\"']?(?:x_)*(?:divRplyFwdMsg|appendonsend|mail-editor-reference-message-container|OLK_SRC_BODY_SECTION)\b"
    r"|type=[\"']?cite\b)",
    re.IGNORECASE,
)
_FORWARD_SUBJECT = re.compile(r"^\s*(?:fwd?|wg|tr|rv|i|enc|pd|vs|転送|전달|转发)\s*[::]", re.IGNORECASE)
_FORWARD_MARK = re.compile(
    r"forwarded message|message transféré|weitergeleitete nachricht|mensaje reenviado|mensagem encaminhada"
    r"|messaggio inoltrato|전달된 메일|転送メッセージ",
    re.IGNORECASE,
)
_ATTRIBUTION = re.compile(
    r"^(?:"
    r"on\b.{6,300}\bwrote\s?:"
    r"|le\b.{6,300}\ba écrit\s?:"
    r"|am\b.{6,300}\bschrieb\b.{0,200}:"
    r"|el\b.{6,300}\bescribió\s?:"
    r"|em\b.{6,300}\bescreveu\s?:"
    r"|il\b.{6,300}\bha scritto\s?:"
    r"|\d{4}년.{6,300}(?:작성|썼습니다|님이 작성한 메시지)\s?:"
    r"|\d{4}年.{6,300}(?:<[^<>]+@[^<>]+>\s?[::]|書きました\s?[::]|のメール\s?[::])"
    r")\s*$",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTION_START = re.compile(r"\s*(?:on|le|am|el|em|il|\d{4}[年년])", re.IGNORECASE)
_SEPARATOR = re.compile(
    r"^\s*[-_—]{2,}\s*(?:original message|message d'origine|message original|ursprüngliche nachricht|originalnachricht|mensaje original"
    r"|mensagem original|messaggio originale|원본 메(?:시지|일)|元のメッセージ|原始邮件|original appointment)\s*[-_—]{2,}\s*$",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(
    r"^\s*\*?(?:(from|de|von|da|보낸 ?사람|差出人)"
    r"|(sent|date|envoyé|gesendet|datum|enviado|fecha|data|inviato|보낸 ?날짜|날짜|送信日時|日時|日付)"
    r"|(to|à|an|para|a|받는 ?사람|宛先)|(subject|objet|betreff|asunto|assunto|oggetto|제목|件名))\s?\*?\s?[::]",
    re.IGNORECASE,
)
_MOBILE = re.compile(
    r"^\s*(?:sent from (?:my|outlook|yahoo|mail for)\b.{0,60}|get outlook for .{0,60}"
    r"|envoyé de(?:puis)? mon .{0,60}|von meinem .{0,40} gesendet"
    r"|enviado (?:desde|do|de) (?:mi|meu) .{0,60}|inviato da(?:l mio)? .{0,60}|나의 .{0,40}에서 보냄|.{0,40}iPhoneから送信)\s*$",
    re.IGNORECASE,
)
_SIGNATURE_LINES, _SIGNATURE_LENGTH = 12, 800
_WINDOW = 4
"""Lines over which clients wrap an attribution."""


def html_without_quotes(html: str, subject: str = "") -> str:
    """Everything above the first mark that a mail client put around the quoted mail. A forward keeps all of it, and so
    does a mail that has nothing above the mark."""
    match = _HTML_QUOTE.search(html)
    if (
        match is None
        or _FORWARD_SUBJECT.match(subject)
        or _FORWARD_MARK.search(html[match.start() : match.start() + 2_000])
    ):
        return html
    above, below = html[: match.start()], html[match.start() :]
    answered_below = re.search(r"</blockquote>(?:\s|<[^>]{0,500}>|&nbsp;){0,30}[^\s<&][^<]{20}", below, re.IGNORECASE)
    return (
        above
        if _words(re.sub(r"<style.*?</style>|<[^>]*>", " ", above, flags=re.DOTALL | re.IGNORECASE))
        and not answered_below
        else html
    )


def without_quotes(text: str, subject: str = "") -> str:
    """The sender's own words. Never empty where `text` had words."""
    if _FORWARD_SUBJECT.match(subject):
        return text
    lines = text.split("\n")
    kept = _without_signature(lines[: _quote_starts(lines)])
    result = "\n".join(kept).rstrip()
    return result if _words(result) else text


def _quote_starts(lines: list[str]) -> int:
    """The line with which a trailing quotation begins, or the number of lines. Most lines are told by their first or last
    letter: this runs for every line of every mail."""
    for number, line in enumerate(lines):
        if ":" not in line and "：" not in line and not line.lstrip().startswith(("-", "_", "—")):
            if not _ATTRIBUTION_START.match(line):
                continue
        elif _FORWARD_MARK.search(line):
            break
        elif _SEPARATOR.match(line) or _is_header_block(lines, number):
            return _above_rule(lines, number)
        end = _attribution_end(lines, number)
        if end and (_only_quoted(lines[end:]) or "@" in "".join(lines[number:end])):
            return len(lines) if _answers_inside(lines[end:]) else number
    quoted = len(lines)
    while quoted and (not lines[quoted - 1].strip() or lines[quoted - 1].lstrip().startswith(">")):
        quoted -= 1
    return quoted


def _attribution_end(lines: list[str], start: int) -> int:
    if not _ATTRIBUTION_START.match(lines[start]):
        return 0
    for length in range(1, _WINDOW + 1):
        wrapped = lines[start : start + length]
        if wrapped[-1].rstrip().endswith((":", "：")) and _ATTRIBUTION.match(
            " ".join(line.strip()[:400] for line in wrapped)
        ):
            return start + length
    return 0


def _only_quoted(lines: list[str]) -> bool:
    return all(not line.strip() or line.lstrip().startswith(">") for line in lines)


def _answers_inside(lines: list[str]) -> bool:
    """Quoted lines with unquoted ones below: the sender answered point by point, or below."""
    first = next((number for number, line in enumerate(lines) if line.lstrip().startswith(">")), None)
    return first is not None and not _only_quoted(lines[first:])


def _is_header_block(lines: list[str], start: int) -> bool:
    """At least three of From, Sent, To and Subject in a row, From or Sent first."""
    first = _HEADER_LINE.match(lines[start])
    if not first or not (first[1] or first[2]):
        return False
    kinds = {match.lastindex for line in lines[start : start + 7] if (match := _HEADER_LINE.match(line))}
    return len(kinds) >= 3


def _above_rule(lines: list[str], number: int) -> int:
    """Together with the ruled line that Outlook puts above the block."""
    above = number
    while above and not lines[above - 1].strip():
        above -= 1
    return above - 1 if above and re.fullmatch(r"\s*[_-]{8,}\s*", lines[above - 1]) else number


def _without_signature(lines: list[str]) -> list[str]:
    for number in range(len(lines) - 1, max(-1, len(lines) - _SIGNATURE_LINES - 2), -1):
        if lines[number] in {"-- ", "--"} and sum(map(len, lines[number + 1 :])) <= _SIGNATURE_LENGTH:
            lines = lines[:number]
            break
    end = len(lines)
    while end and (not lines[end - 1].strip() or _MOBILE.match(lines[end - 1])):
        end -= 1
    return lines[:end]


def _words(text: str) -> bool:
    return any(map(str.isalnum, text))
