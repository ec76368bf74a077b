"""Messages of before 1 December 2026, which said in `facts` what has fields of its own since."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.events.inbound import Burst, InboundMessage, PhoneCall, Post

_SOUNDS = {"complaint": "Sounds like a complaint", "question": "Sounds like a question"}
_NO_WORDS = "by its whole wording"
_MOVED = frozenset({"Burst id", "Burst first", "Burst count", "call_id", "callback", "waiting_since", "consent"})
_OF_PHONE = ("phone", "sms", "whatsapp")
_MOST_FIRST = 20


def typed(message: InboundMessage) -> InboundMessage:
    """Returns the message with its fields filled from such facts. Only where its channel wrote
    them: the facts of a chat or a mail are the customer's own, whatever their names are."""
    facts = message.facts
    if message.channel in _OF_PHONE and "missing_files" in facts:
        message = _moved(message, {"missing_files"}, missing_files=facts["missing_files"])
    if not facts or message.post or message.call or message.consent:
        return message
    if message.public:
        return _moved(message, {*_MOVED, *_SOUNDS.values()}, post=_post(facts), account=facts.get("Account", ""))
    if message.automatic == "consent":
        return _moved(message, _MOVED, consent=facts.get("consent", ""))
    if message.channel == "phone" and "call_id" in facts:
        return _moved(message, _MOVED, call=_call(facts))
    return message


def _moved(message: InboundMessage, names: frozenset[str] | set[str], **fields: object) -> InboundMessage:
    facts = {name: value for name, value in message.facts.items() if name not in names}
    return msgspec.structs.replace(message, facts=facts, **fields)


def _post(facts: dict[str, str]) -> Post:
    sounds = next((kind for kind, name in _SOUNDS.items() if name in facts), "")
    words = facts.get(_SOUNDS.get(sounds, ""), "")
    burst = Burst(id=facts["Burst id"], first=_listed(facts.get("Burst first", ""))) if facts.get("Burst id") else None
    return Post(
        url=facts.get("Post", ""), sounds=sounds, words=() if words == _NO_WORDS else _listed(words), burst=burst
    )


def _call(facts: dict[str, str]) -> PhoneCall:
    try:
        since = datetime.fromisoformat(facts.get("waiting_since", ""))
    except ValueError:
        since = None
    return PhoneCall(
        id=facts["call_id"],
        kind=facts.get("call", ""),
        callback=facts.get("callback") == "wanted",
        waiting_since=since if since and since.tzinfo else None,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))[:_MOST_FIRST]
