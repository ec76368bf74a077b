"""Prompts for callers and agents, in short sentences: somebody of 80 on a bad line should
follow."""

from __future__ import annotations

from collections.abc import Sequence

from babel.languages import get_official_languages

from services.phone.domain.menu import LANGUAGE_KEYS
from services.phone.domain.wait_times import minutes

LANGUAGES = ("en", "fr", "ko")

PROMPTS: dict[str, dict[str, str]] = {
    "en": {
        "welcome": "Hello. Welcome to {company}.",
        "menu": "To talk to a person, press 0, or just wait.",
        "menu_callback": "To be called back, press 1.",
        "menu_message": "To leave a message, press 2.",
        "language": "For English, press 7.",
        "not_understood": "Sorry, I did not understand.",
        "to_person": "Thank you. I will connect you to a person.",
        "hold": "Please stay on the line. Somebody will be with you.",
        "next": "You are next.",
        "position": "You are number {position} in line.",
        "wait_one": "The wait is about one minute.",
        "wait": "The wait is about {minutes} minutes.",
        "wait_callback": "You can stay on the line. Or press 1, hang up, and we call you back. You keep your place.",
        "nobody": "I am sorry. Nobody is free at this moment.",
        "closed": "I am sorry. Nobody is in the office now.",
        "callback_or_message": "To be called back, press 1. Or wait, and leave a message.",
        "callback_confirmed": "Thank you. You keep your place, and we will call you back. Goodbye.",
        "voicemail": "Please leave a message after the tone. It will be recorded. When you are done, just hang up.",
        "voicemail_done": "Thank you. We have your message. Goodbye.",
        "still_looking": "I am sorry. I am still looking for a person for you.",
        "connecting": "I am connecting you now.",
        "patience": "Please stay on the line. One moment.",
        "goodbye": "Thank you for your call. Goodbye.",
        "agent_whisper": "A call from {company}. To take it, press 1.",
        "agent_callback": "A callback for {company}. Press 1, and I call the customer.",
        "agent_calling": "I am calling the customer.",
        "agent_no_answer": "The customer does not answer. Goodbye.",
        "customer_greeting": "Hello. This is {company}. You asked us to call you back.",
    },
    "fr": {
        "welcome": "Bonjour. Bienvenue chez {company}.",
        "menu": "Pour parler à une personne, appuyez sur 0, ou attendez simplement.",
        "menu_callback": "Pour être rappelé, appuyez sur 1.",
        "menu_message": "Pour laisser un message, appuyez sur 2.",
        "language": "Pour le français, appuyez sur 8.",
        "not_understood": "Désolé, je n'ai pas compris.",
        "to_person": "Merci. Je vous mets en relation avec une personne.",
        "hold": "Restez en ligne, s'il vous plaît. Quelqu'un va vous répondre.",
        "next": "Vous êtes le prochain.",
        "position": "Vous êtes en position {position}.",
        "wait_one": "L'attente est d'environ une minute.",
        "wait": "L'attente est d'environ {minutes} minutes.",
        "wait_callback": "Vous pouvez rester en ligne. Ou appuyez sur 1, raccrochez, et nous vous rappelons. "
        "Vous gardez votre place.",
        "nobody": "Je suis désolé. Personne n'est libre en ce moment.",
        "closed": "Je suis désolé. Il n'y a personne au bureau en ce moment.",
        "callback_or_message": "Pour être rappelé, appuyez sur 1. Ou attendez, et laissez un message.",
        "callback_confirmed": "Merci. Vous gardez votre place, et nous vous rappelons. Au revoir.",
        "voicemail": "Laissez un message après le signal. Il sera enregistré. Quand vous avez fini, raccrochez.",
        "voicemail_done": "Merci. Nous avons votre message. Au revoir.",
        "still_looking": "Je suis désolé. Je cherche toujours une personne pour vous.",
        "connecting": "Je vous mets en relation.",
        "patience": "Restez en ligne, s'il vous plaît. Un instant.",
        "goodbye": "Merci de votre appel. Au revoir.",
        "agent_whisper": "Un appel de {company}. Pour le prendre, appuyez sur 1.",
        "agent_callback": "Un rappel pour {company}. Appuyez sur 1, et j'appelle le client.",
        "agent_calling": "J'appelle le client.",
        "agent_no_answer": "Le client ne répond pas. Au revoir.",
        "customer_greeting": "Bonjour. Ici {company}. Vous nous avez demandé de vous rappeler.",
    },
    "ko": {
        "welcome": "안녕하세요. {company}입니다.",
        "menu": "상담원과 통화하시려면 0번을 누르시거나 그대로 기다려 주세요.",
        "menu_callback": "다시 전화받기를 원하시면 1번을 눌러 주세요.",
        "menu_message": "음성 메시지를 남기시려면 2번을 눌러 주세요.",
        "language": "한국어는 9번을 눌러 주세요.",
        "not_understood": "죄송합니다. 잘 이해하지 못했습니다.",
        "to_person": "감사합니다. 상담원에게 연결해 드리겠습니다.",
        "hold": "끊지 말고 기다려 주세요. 상담원이 도와 드리겠습니다.",
        "next": "다음 순서입니다.",
        "position": "대기 순서는 {position}번째입니다.",
        "wait_one": "예상 대기 시간은 약 1분입니다.",
        "wait": "예상 대기 시간은 약 {minutes}분입니다.",
        "wait_callback": "계속 기다리셔도 됩니다. 1번을 누르고 끊으시면 저희가 전화를 드립니다. "
        "순서는 그대로 유지됩니다.",
        "nobody": "죄송합니다. 지금은 통화할 수 있는 상담원이 없습니다.",
        "closed": "죄송합니다. 지금은 상담 시간이 아닙니다.",
        "callback_or_message": "다시 전화받기를 원하시면 1번을 눌러 주세요. 기다리시면 메시지를 남기실 수 있습니다.",
        "callback_confirmed": "감사합니다. 순서는 그대로 유지되며, 저희가 전화를 드리겠습니다. 안녕히 계세요.",
        "voicemail": "신호음이 울린 뒤 메시지를 남겨 주세요. 메시지는 녹음됩니다. 끝나면 전화를 끊으시면 됩니다.",
        "voicemail_done": "감사합니다. 메시지를 잘 받았습니다. 안녕히 계세요.",
        "still_looking": "죄송합니다. 아직 상담원을 찾고 있습니다.",
        "connecting": "지금 연결해 드리겠습니다.",
        "patience": "끊지 말고 잠시만 기다려 주세요.",
        "goodbye": "전화해 주셔서 감사합니다. 안녕히 계세요.",
        "agent_whisper": "{company} 전화입니다. 받으시려면 1번을 누르세요.",
        "agent_callback": "{company} 회신 전화입니다. 1번을 누르시면 고객에게 전화합니다.",
        "agent_calling": "고객에게 전화하고 있습니다.",
        "agent_no_answer": "고객이 전화를 받지 않습니다. 안녕히 계세요.",
        "customer_greeting": "안녕하세요. {company}입니다. 요청하신 회신 전화입니다.",
    },
}


def language_of(region: str, default: str) -> str:
    """Returns the language to greet a caller in: the first of the country's official ones, as long
    as no other of ours is official there, as in Canada. `region`: ISO 3166-1, from the number's
    prefix; empty where it is withheld."""
    official = get_official_languages(region, de_facto=True)
    ours = [language for language in official if language in LANGUAGES]
    return ours[0] if ours and ours == list(official[:1]) else default


def menu(language: str, *, can_call_back: bool) -> list[tuple[str, str]]:
    """Lists what is spoken after the welcome: language and text, the other languages' own lines
    last."""
    own = PROMPTS[language]
    lines = [own["menu"], *([own["menu_callback"]] if can_call_back else []), own["menu_message"]]
    others = [(code, PROMPTS[code]["language"]) for code in LANGUAGE_KEYS.values() if code != language]
    return [(language, line) for line in lines] + others


def place(language: str, position: int, seconds: int, *, can_call_back: bool) -> Sequence[str]:
    """Lists what a waiting caller is told."""
    own, about = PROMPTS[language], minutes(seconds)
    lines = [
        own["next"] if position <= 1 else own["position"].format(position=position),
        own["wait_one"] if about == 1 else own["wait"].format(minutes=about),
    ]
    return [*lines, own["wait_callback"]] if can_call_back else lines
