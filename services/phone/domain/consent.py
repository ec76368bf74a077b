"""Recognises STOP and START, as customers text them and as the networks understand them."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

_STOP_WORDS = {
    "the networks'": "stop, stopall, unsubscribe, cancel, end, quit, optout, revoke",
    "en": "opt me out, unsubscribe me, remove me, please stop, stop please, stop sms, stop texts, stop texting, stop texting me",
    "fr": "arret, arrêter, arrêtez, stop sms, stop pub, désabonner, me désabonner, désabonnement, désinscrire, me désinscrire",
    "de": "stopp, abmelden, abbestellen, austragen, abmeldung",
    "es": "baja, alto, parar, dar de baja, darme de baja, cancelar suscripción",
    "pt": "parar, pare, sair, descadastrar",
    "it": "basta, disiscrivi, disiscrivimi, cancellami",
    "nl": "afmelden, uitschrijven",
    "da, nb, sv": "stopp, afmeld, avmeld, avregistrera, avsluta",
    "fi": "lopeta",
    "pl": "wypisz, wypisz mnie",
    "cs, sk": "odhlásit",
    "hu": "leiratkozás, leiratkozom",
    "ro": "dezabonare",
    "tr": "ret, dur",
    "ru, uk, bg": "стоп, отписаться, отписка, відписатися",
    "el": "στοπ",
    "id": "berhenti",
    "vi": "từ chối",
    "th": "หยุด",
    "hi": "रोकें, बंद करें",
    "ar": "توقف, إيقاف, إلغاء الاشتراك",
    "he": "הסר, הסירו",
    "ja": "停止, 配信停止, 配信停止希望, 受信拒否",
    "zh": "退订, 退訂, 取消订阅, 取消訂閱",
    "ko": "수신거부, 수신 거부, 수신거절, 중지, 수신중단",
}
"""By language. Words that would as well be an answer to an agent ("no") or a matter of its own
("annuler", of an order) are left out."""
_START_WORDS = "start, unstop, opt in, reprendre, 수신동의"


class Consent(StrEnum):
    """What a customer wants."""

    STOP = "stop"
    START = "start"


def read(text: str, provider_says: str = "") -> Consent | None:
    """Recognises an opt-out or opt-in; None for an ordinary message. `provider_says`: Twilio's
    `OptOutType`, where its own list of words has matched.

    The word has to be the whole message: "stop the subscription please" is for an agent to read.
    """
    if len(text) > _LONGEST:
        text = ""
    return _MEANING.get(_bare(provider_says)) or _MEANING.get(_bare(text))


def _bare(text: str) -> str:
    """Reduces a text to its letters and digits: case, accents, quotes, punctuation, blanks and
    invisible characters do not count."""
    return "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if unicodedata.category(c)[0] in "LN")


_LONGEST = 60
"""Characters; no such word comes near."""
_MEANING = {_bare(word): Consent.STOP for words in _STOP_WORDS.values() for word in words.split(",")}
_MEANING |= {_bare(word): Consent.START for word in _START_WORDS.split(",")}
