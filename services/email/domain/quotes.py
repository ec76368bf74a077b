"""Cut quoted text and signatures, for display.

What goes wrong without it: an agent reads ten old mails to find one new line. What goes wrong with
too much of it: the customer's own words disappear. So a quotation is cut where its form says that a
mail program made it (an attribution over quote marks, the container that a program puts around what
is answered), or where a weaker form stands in an answer: to a mail of ours, or under a subject such
as `Re:`. When unsure, everything stays; so it does where words follow below. The original stays in
the storage.
"""

from __future__ import annotations

import re

from shared.markup import Outline, outline

_CONTAINER = re.compile(
    r"\bclass\s*=\s*[\"']?[^\"'>]{0,200}\b(?:gmail_quote_container|gmail_attr|yahoo_quoted|moz-cite-prefix|protonmail_quote|tutanota_quote"
    r"|gmail_quote)\b",
    re.IGNORECASE,
)
"""What mail programs put around what is answered, or on top of it."""
_FROM_HERE = re.compile(
    r"\bid\s*=\s*[\"']?(?:x_){0,9}(?:divRplyFwdMsg|appendonsend|mail-editor-reference-message-container|OLK_SRC_BODY_SECTION)\b",
    re.IGNORECASE,
)
"""Outlook's marks: everything below is the old mail, answered or forwarded."""
_CITE = re.compile(r"\btype\s*=\s*[\"']?cite\b", re.IGNORECASE)
_QUOTING = frozenset({"div", "blockquote", "span", "section", "table"})
_REPLY_SUBJECT = re.compile(
    r"^\s*(?:re|aw|sv|vs|antw|antwort|rép|réf|rif|res|odp|ynt|ref|回复|回覆|答复|返信|답장|회신)\s*(?:\[\d{1,3}\])?\s*[::]",
    re.IGNORECASE,
)
_PREFIXES = re.compile(r"^(?:\s*[^\s::]{1,6}\s?(?:\[\d{1,3}\])?[::])+\s*")
_FORWARD_SUBJECT = re.compile(r"^\s*(?:fwd?|wg|tr|rv|i|enc|pd|vs|転送|전달|转发)\s*[::]", re.IGNORECASE)
_FORWARD_MARK = re.compile(
    r"forwarded (?:message|mail)|message transféré|weitergeleitete nachricht|mensaje reenviado|mensagem encaminhada"
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
_NAMED = re.compile(r"[<(\[][^<>()\[\]\s]{1,64}@[^<>()\[\]\s]{1,255}[>)\]]")
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
    r"^\s*(?:(?:sent|envoyé|gesendet|enviado|inviato|verzonden|wysłan[eo]) .{0,40}\b(?:proton|tuta)\b.{0,100}"
    r"|sent from (?:my|outlook|yahoo|mail for)\b.{0,60}|get outlook for .{0,60}"
    r"|envoyé de(?:puis)? mon .{0,60}|von meinem .{0,40} gesendet"
    r"|enviado (?:desde|do|de) (?:mi|meu) .{0,60}|inviato da(?:l mio)? .{0,60}|나의 .{0,40}에서 보냄|.{0,40}iPhoneから送信)\s*$",
    re.IGNORECASE,
)
_SIGNATURE_LINES, _SIGNATURE_LENGTH = 12, 800
_WINDOW = 4
"""Lines over which clients wrap an attribution."""


def quotation_starts(html: str, subject: str = "", *, answers: bool = False) -> int | None:
    """Returns where the quoted mail begins; the length where there is none; None where all of it
    has to stay: of a forward, of a mail that has nothing above the quotation, or words below it.
    `answers`: whether this answers a mail of ours."""
    if _FORWARD_SUBJECT.match(subject):
        return None
    found, is_reply, above = outline(html), answers or _is_reply(subject), False
    for number, token in enumerate(found.tokens):
        if not token.name:
            above = above or _words(token.text)
        elif token.name in _QUOTING and (end := _quotation_end(found, number, is_reply=is_reply)):
            below = _words_outside(found, end, is_reply=is_reply)
            forwards = _FORWARD_MARK.search(html[token.start : token.start + 2_000])
            return token.start if above and not below and not forwards else None
    return len(html)


def _words_outside(found: Outline, start: int, *, is_reply: bool) -> bool:
    """Whether words that are no quotation stand from here on."""
    number = start
    while number < len(found.tokens):
        token = found.tokens[number]
        if not token.name and _words(token.text):
            return True
        quotes = token.name in _QUOTING and _quotation_end(found, number, is_reply=is_reply)
        number = max(number + 1, quotes)
    return False


def _quotation_end(found: Outline, number: int, *, is_reply: bool) -> int:
    """Returns the number of the token behind the quotation that begins here; 0 where none does."""
    token, after = found.tokens[number], len(found.tokens)
    if _FROM_HERE.search(token.text):
        return after if is_reply else 0
    block = token.name == "blockquote"
    if _CITE.search(token.text) or (block and _CONTAINER.search(token.text)):
        return found.ends.get(number, after) if is_reply else 0
    if not _CONTAINER.search(token.text):
        return 0
    end = found.ends.get(number, after)
    following = next(
        (one for one in range(end, after) if found.tokens[one].name == "blockquote" or _words(_shown(found, one))),
        after,
    )
    inside = any(one.name == "blockquote" for one in found.tokens[number:end])
    if following < after and found.tokens[following].name == "blockquote" and not inside:
        end = found.ends.get(following, after)  # the attribution stands before what it introduces
    return end


def _shown(found: Outline, number: int) -> str:
    return "" if found.tokens[number].name else found.tokens[number].text


def without_quotes(text: str, subject: str = "", *, answers: bool = False) -> str:
    """Returns the sender's own words. `answers`: whether this answers a mail of ours. Never
    empty where `text` had words."""
    if _FORWARD_SUBJECT.match(subject):
        return text
    lines = _without_signature(text.split("\n"))  # of who wrote, or of a scanner, below the quotation
    kept = _without_signature(lines[: _quote_starts(lines, subject, is_reply=answers or _is_reply(subject))])
    result = "\n".join(kept).rstrip()
    return result if _words(result) else text


def is_forward(text: str, subject: str) -> bool:
    """Whether somebody hands on another's mail."""
    return bool(_FORWARD_SUBJECT.match(subject) or _FORWARD_MARK.search(text))


def forwarded_block(text: str) -> str:
    """Returns what follows From in the first block of header lines; empty where there is none."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        first = _HEADER_LINE.match(line)
        if first and first[1]:
            kinds = {match.lastindex for one in lines[number : number + 7] if (match := _HEADER_LINE.match(one))}
            if len(kinds) >= 3:
                return line[first.end() :].strip(" *")
    return ""


def _is_reply(subject: str) -> bool:
    return _REPLY_SUBJECT.match(subject) is not None


def _quote_starts(lines: list[str], subject: str, *, is_reply: bool) -> int:
    """Returns the line with which a trailing quotation begins, or the number of lines. Most
    lines are recognised by their first or last letter: this runs for every line of every mail."""
    marked = [line.lstrip().startswith(">") for line in lines]
    own = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].strip() and not marked[n]), -1)
    """The last line that is no quotation."""
    for number, line in enumerate(lines):
        if ":" not in line and "：" not in line and not line.lstrip().startswith(("-", "_", "—")):
            if not _ATTRIBUTION_START.match(line):
                continue
        elif _FORWARD_MARK.search(line):
            return len(lines)
        elif is_reply and (_SEPARATOR.match(line) or _is_header_block(lines, number, subject)):
            return _above_rule(lines, number)
        end = _attribution_end(lines, number)
        if end > own and (is_reply or any(marked[end:])):
            return (
                number  # nothing but quoted lines below; otherwise the sender answers point by point, or tells a story
            )
    tail = own + 1 if any(marked[own + 1 :]) else len(lines)
    top = _attribution_above(lines, tail)
    return top if top < tail or is_reply else len(lines)


def _attribution_above(lines: list[str], tail: int) -> int:
    """Returns where the lines begin that introduce the quoted lines at the end, in any language:
    a date, an address, a colon. Returns `tail` where there are none."""
    for start in range(tail - 1, max(tail - 1 - _WINDOW, -1), -1):
        wrapped = " ".join(line.strip()[:400] for line in lines[start:tail])
        if not lines[start].strip() or not wrapped.endswith((":", "：")):
            break
        if _NAMED.search(wrapped) and any(map(str.isdigit, _NAMED.sub("", wrapped))):
            return start
    return tail


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


def _is_header_block(lines: list[str], start: int, subject: str) -> bool:
    """Whether From, Sent and Subject are in a row here, From or Sent first, with this mail's
    subject: what Outlook puts above the old mail, and not a journey or a form."""
    first = _HEADER_LINE.match(lines[start])
    if not first or not (first[1] or first[2]):
        return False
    block = {
        match.lastindex: line[match.end() :] for line in lines[start : start + 7] if (match := _HEADER_LINE.match(line))
    }
    return {1, 2, 4} <= block.keys() and _same(_bare(block[4]), _bare(subject))


def _bare(subject: str) -> str:
    return "".join(_PREFIXES.sub("", subject.replace("*", "")).lower().split())


def _same(one: str, other: str) -> bool:
    return one == other or (bool(one and other) and (one in other or other in one))


def _above_rule(lines: list[str], number: int) -> int:
    """Returns where the block begins together with the ruled line that Outlook puts above it."""
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
