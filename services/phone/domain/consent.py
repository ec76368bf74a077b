"""STOP and START, as customers text them and as the networks understand them."""

from __future__ import annotations

from enum import StrEnum

_STOP = frozenset(
    {
        "stop",
        "stopall",
        "unsubscribe",
        "cancel",
        "end",
        "quit",
        "optout",
        "revoke",
        "arret",
        "arrêt",
        "수신거부",
        "중지",
    }
)
_START = frozenset({"start", "unstop", "reprendre", "수신동의"})


class Consent(StrEnum):
    """What a customer wants."""

    STOP = "stop"
    START = "start"


def read(text: str, provider_says: str = "") -> Consent | None:
    """None: an ordinary message. `provider_says`: Twilio's `OptOutType`, where its own list of words has matched.

    The word has to be the whole message: "stop the subscription please" is for an agent to read.
    """
    word = provider_says.strip().lower() or " ".join(text.split()).strip(" .!\"'").lower().replace(" ", "")
    if word in _STOP:
        return Consent.STOP
    return Consent.START if word in _START else None
