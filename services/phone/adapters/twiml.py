"""Writes Twilio's instructions for a call (TwiML), by Twilio's own library."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from twilio.twiml.voice_response import Dial, Gather, Say, VoiceResponse

from services.phone.domain.prompts import PROMPTS, menu, place
from shared.kernel import ContactPoint, address_of, kind_of

_VOICES = {
    "en": ("Polly.Joanna-Neural", "en-US"),
    "fr": ("Polly.Lea-Neural", "fr-FR"),
    "ko": ("Polly.Seoyeon-Neural", "ko-KR"),
}
QUEUE = "switchboard"
"""One queue at Twilio holds all who wait; in which order they are served is the desk's business."""
_HOLD = 20
"""Seconds of music or silence between two announcements."""
_FIRST_HOLD = 2
"""Seconds in which the desk tells a new caller's place."""
_RETRY_AFTER = 5
_RETRIES = 12
"""A minute of patience while PostgreSQL is unavailable."""


@dataclass(frozen=True, slots=True)
class Script:
    """Writes all instructions. `public_url`: how Twilio reaches us; `ring`: seconds that an agent's
    telephone rings."""

    public_url: str
    company: str
    number: str
    rate: str = "88%"
    menu_seconds: int = 6
    ring: int = 20
    music: str = ""
    longest_voicemail: int = 180
    fallback_number: str = ""

    def url(self, step: str, /, **query: str | int) -> str:
        """Returns where Twilio asks for the next step."""
        return f"{self.public_url}/webhooks/{step}" + (f"?{urlencode(query)}" if query else "")

    def menu(self, language: str, wrong: int, step: int, *, can_call_back: bool, welcome: bool) -> str:
        """Welcomes, and says what the keys do: they work from the first word on. No key leads on as
        a key does."""
        response = VoiceResponse()
        lines = menu(language, can_call_back=can_call_back)
        if welcome:
            lines = [(language, PROMPTS[language]["welcome"].format(company=self.company)), *lines]
        elif wrong:
            lines = [(language, PROMPTS[language]["not_understood"]), *lines]
        self._gather(response, lines, self.url("voice/menu", wrong=wrong, step=step), self.menu_seconds)
        return str(response)

    def queue(self, language: str, prompt: str = "to_person") -> str:
        """Puts the caller in line; the action says what comes after it."""
        response = VoiceResponse()
        self._say(response, language, PROMPTS[language][prompt])
        response.enqueue(QUEUE, action=self.url("voice/left"), method="POST", wait_url=self.url("voice/wait"))
        return str(response)

    def hold(self, language: str) -> str:
        """Plays the first round of waiting, while nobody knows the place yet."""
        response = VoiceResponse()
        self._say(response, language, PROMPTS[language]["hold"])
        response.pause(length=_FIRST_HOLD)
        response.redirect(self.url("voice/wait", round=2), method="POST")
        return str(response)

    def wait(self, language: str, position: int, seconds: int, *, can_call_back: bool) -> str:
        """Plays one round of waiting: the place in line, then music, then the next round."""
        response = VoiceResponse()
        lines = [(language, line) for line in place(language, position, seconds, can_call_back=can_call_back)]
        if can_call_back:
            action = self.url("voice/wait-key", round=2)
            gather = Gather(action=action, method="POST", num_digits=1, timeout=2, action_on_empty_result=False)
            self._say_all(gather, lines)
            response.append(gather)
        else:
            self._say_all(response, lines)
        if self.music:
            response.play(self.music)
        else:
            response.pause(length=_HOLD)
        response.redirect(self.url("voice/wait", round=2), method="POST")
        return str(response)

    def leave(self) -> str:
        """Leaves the line; the queue's action says what comes next."""
        response = VoiceResponse()
        response.leave()
        return str(response)

    def without_agents(self, language: str, prompt: str, *, can_call_back: bool) -> str:
        """Offers a callback, or else a voicemail, while nobody is there to talk."""
        response = VoiceResponse()
        self._say(response, language, PROMPTS[language][prompt])
        if can_call_back:
            lines = [(language, PROMPTS[language]["callback_or_message"])]
            self._gather(response, lines, self.url("voice/closed"), 4)
        else:
            response.redirect(self.url("voice/voicemail"), method="POST")
        return str(response)

    def callback_confirmed(self, language: str) -> str:
        """Confirms a callback."""
        return self._words(language, "callback_confirmed")

    def voicemail(self, language: str) -> str:
        """Announces a recording, then records."""
        response = VoiceResponse()
        self._say(response, language, PROMPTS[language]["voicemail"])
        response.record(
            action=self.url("voice/recorded"),
            method="POST",
            max_length=self.longest_voicemail,
            timeout=6,
            finish_on_key="#",
            play_beep=True,
            recording_status_callback=self.url("recording"),
            recording_status_callback_event="completed absent",
        )
        return str(response)

    def voicemail_done(self, language: str) -> str:
        """Thanks for a voicemail."""
        return self._words(language, "voicemail_done")

    def goodbye(self, language: str) -> str:
        """Ends a conversation."""
        return self._words(language, "goodbye")

    def connect(self, language: str, agent_at: ContactPoint, request: str, caller: str) -> str:
        """Lets the caller hear ringing until the agent has pressed 1, or a softphone has answered.
        `caller`: the number that the agent is shown."""
        response = VoiceResponse()
        self._say(response, language, PROMPTS[language]["connecting"])
        dial = Dial(
            timeout=self.ring, action=self.url("voice/dialled", request=request), method="POST", caller_id=caller
        )
        status = {
            "status_callback": self.url("status", request=request, leg="agent"),
            "status_callback_event": "ringing answered completed",
        }
        if kind_of(agent_at) == "client":
            dial.client(address_of(agent_at), url=self.url("voice/answered", request=request), **status)
        else:
            dial.number(address_of(agent_at), url=self.url("voice/whisper", request=request), **status)
        response.append(dial)
        return str(response)

    def whisper(self, language: str, request: str) -> str:
        """Asks the agent alone to press 1: an agent's own voicemail presses nothing."""
        return self._press_one(language, "agent_whisper", "voice/pressed", request)

    def callback_whisper(self, language: str, request: str) -> str:
        """Asks as `whisper` does, before the customer is called."""
        return self._press_one(language, "agent_callback", "voice/callback-pressed", request)

    def through(self) -> str:
        """Says nothing more: the two are connected."""
        return str(VoiceResponse())

    def hang_up(self) -> str:
        """Ends this line."""
        response = VoiceResponse()
        response.hangup()
        return str(response)

    def call_customer(self, language: str, customer_language: str, number: str, request: str) -> str:
        """Calls the customer after the agent has pressed 1."""
        response = VoiceResponse()
        self._say(response, language, PROMPTS[language]["agent_calling"])
        dial = Dial(
            timeout=45, action=self.url("voice/callback-done", request=request), method="POST", caller_id=self.number
        )
        dial.number(
            number,
            url=self.url("voice/customer", request=request, language=customer_language),
            status_callback=self.url("status", request=request, leg="customer"),
            status_callback_event="ringing answered completed",
        )
        response.append(dial)
        return str(response)

    def customer_greeting(self, language: str) -> str:
        """Greets the customer before the agent is on the line."""
        response = VoiceResponse()
        self._say(response, language, PROMPTS[language]["customer_greeting"].format(company=self.company))
        return str(response)

    def customer_no_answer(self, language: str) -> str:
        """Tells the agent that the customer did not answer."""
        return self._words(language, "agent_no_answer")

    def patience(self, language: str, again: str, tries: int) -> str:
        """Retries the same step while PostgreSQL is unavailable; at last the fallback number
        rings."""
        response = VoiceResponse()
        if tries < _RETRIES:
            if tries == 0:
                self._say(response, language, PROMPTS[language]["patience"])
            response.pause(length=_RETRY_AFTER)
            response.redirect(again, method="POST")
        elif self.fallback_number:
            response.dial(self.fallback_number)
        else:
            self._say(response, language, PROMPTS[language]["nobody"])
        return str(response)

    def _words(self, language: str, prompt: str) -> str:
        response = VoiceResponse()
        self._say(response, language, PROMPTS[language][prompt])
        response.hangup()
        return str(response)

    def _press_one(self, language: str, prompt: str, step: str, request: str) -> str:
        response = VoiceResponse()
        gather = Gather(action=self.url(step, request=request), method="POST", num_digits=1, timeout=8)
        line = PROMPTS[language][prompt].format(company=self.company)
        self._say_all(gather, [(language, line), (language, line)])
        response.append(gather)
        response.hangup()
        return str(response)

    def _gather(self, response: VoiceResponse, lines: Iterable[tuple[str, str]], action: str, seconds: int) -> None:
        gather = Gather(action=action, method="POST", num_digits=1, timeout=seconds, action_on_empty_result=True)
        self._say_all(gather, lines)
        response.append(gather)
        response.redirect(action, method="POST")

    def _say_all(self, parent: VoiceResponse | Gather, lines: Iterable[tuple[str, str]]) -> None:
        for language, line in lines:
            self._say(parent, language, line)

    def _say(self, parent: VoiceResponse | Gather, language: str, line: str) -> None:
        voice, locale = _VOICES[language]
        say = Say(voice=voice, language=locale)
        say.prosody(line, rate=self.rate)
        parent.append(say)
