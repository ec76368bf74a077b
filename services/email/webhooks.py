"""Serves mail providers' webhooks: mails that come in take the way that SMTP takes, events go to
the ledger.

2xx only once Kafka or the ledger has it. What a provider does after another answer differs, and
`Rules` has it: nothing that may go well later gets an answer after which the provider gives up.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from services.email.adapters.sns import Certificates, Fetch, fetch
from services.email.domain.incoming import Envelope
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.outcomes import Outcome
from services.email.domain.webhooks import cloudflare, forms, mailgun, postmark, sendgrid, ses, sns
from services.email.domain.webhooks.told import decoded, text
from services.email.domain.webhooks.trust import Untrusted, check_password
from services.email.receiving import Receiver
from services.email.returning import Returns
from services.email.settings import EmailSettings
from shared.clock import utc_now
from shared.errors import Malformed, Rejected, Unavailable
from shared.logs import log
from shared.metrics import METRICS

PATH = "/webhooks"
_SMALL = 1 << 20
"""Bytes of a request that needs no seat: events, and most mails."""
_SEATS, _WITHIN = 2, 60.0
"""Requests that are larger at a time, each until it is answered, and seconds in which one has to be
here: what each takes of memory is several times its size, and nobody is known before the last byte
is read."""
_ROOM = 3
"""How many times the largest mail a request may have: Postmark sends attachments twice, forms and
JSON escape."""
_TOKENS = 10_000
"""Tokens of Mailgun that are remembered."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A provider, and how it takes our answers. `never`: after this status it does not try again;
    `untrusted`: for what is not signed as our settings have it, which may be a mistake in them."""

    provider: str
    never: int
    untrusted: int


MAILGUN = Rules("mailgun", never=406, untrusted=401)
"""Tries again after anything but 200 and 406, for 7.5 hours."""
POSTMARK = Rules("postmark", never=403, untrusted=401)
"""Tries again after anything but 200 and 403, for 10.5 hours; then an Inbound Error, which can be
sent again by hand."""
SENDGRID = Rules("sendgrid", never=400, untrusted=503)
"""Inbound Parse tries again after 5xx, for three days."""
AMAZON = Rules("ses", never=400, untrusted=503)
"""SNS takes a 4xx for final; after 5xx it tries again, for an hour at most and by default for one
minute."""
CLOUDFLARE = Rules("cloudflare", never=422, untrusted=401)
"""Our worker: it refuses the mail after 413 and 422, so that its sender hears of it; after anything
else Cloudflare tells the sender's server to try again."""


def routes(
    settings: EmailSettings,
    receiving: Receiver,
    returns: Returns,
    get: Fetch = fetch,
    clock: Callable[[], datetime] = utc_now,
) -> APIRouter:
    """Makes the routes below `/webhooks`. `get`: in place of Amazon's servers."""
    router = APIRouter(prefix=PATH)
    hooks = Webhooks(settings, receiving, returns, get, clock)
    for path, take in (
        ("/mailgun/mime", hooks.mailgun_mail),
        ("/mailgun/events", hooks.mailgun_events),
        ("/postmark/inbound", hooks.postmark_mail),
        ("/postmark/events", hooks.postmark_events),
        ("/sendgrid/parse", hooks.sendgrid_mail),
        ("/sendgrid/events", hooks.sendgrid_events),
        ("/ses", hooks.amazon),
        ("/cloudflare", hooks.cloudflare_mail),
    ):
        router.add_api_route(path, take, methods=["POST"], response_model=None)
    return router


def most(settings: EmailSettings) -> int:
    """Returns the bytes of the largest request."""
    return _ROOM * settings.max_size + _SMALL


class Webhooks:
    """One handler for each webhook: off without its secret, genuine, read, taken."""

    def __init__(
        self,
        settings: EmailSettings,
        receiving: Receiver,
        returns: Returns,
        get: Fetch,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings, self._receiving, self._returns = settings, receiving, returns
        self._get, self._clock = get, clock
        self._mailboxes = Mailboxes.parse(settings.mailboxes)
        self._certificates = Certificates(get, clock)
        self._sendgrid = sendgrid.public_key(settings.sendgrid_public_key) if settings.sendgrid_public_key else None
        self._topics = settings.topics
        self._large = 0
        self._tokens: dict[str, bytes] = {}

    async def mailgun_mail(self, request: Request) -> JSONResponse:
        """Takes a mail from a route of Mailgun's."""
        key = self._settings.mailgun_signing_key.get_secret_value()
        async with self._door(MAILGUN, key, "EMAIL_MAILGUN_SIGNING_KEY"), self._body(request) as body:
            form = await self._form(request, body)
            mailgun.check_form(form, key, self._clock())
            raw, envelope = mailgun.mail(form)
            self._once(forms.words(form, "token"), repr(envelope).encode(), raw)
            return await self._take(MAILGUN, raw, envelope, "let the route's address end with /webhooks/mailgun/mime")

    async def mailgun_events(self, request: Request) -> JSONResponse:
        """Notes an event of Mailgun's."""
        key = self._settings.mailgun_signing_key.get_secret_value()
        async with self._door(MAILGUN, key, "EMAIL_MAILGUN_SIGNING_KEY"), self._body(request) as body:
            if len(body) > _SMALL:  # JSON takes twenty times as much memory, and whose it is stands in it
                raise _refused("too-large", 413, f"an event has at most {_SMALL} bytes", MAILGUN.provider)
            told = decoded(body)
            mailgun.check_event(told, key, self._clock())
            self._once(text(told, "signature", "token"), msgspec.json.encode(told.get("event-data")))
            return await self._note(MAILGUN, mailgun.outcomes(told))

    async def postmark_mail(self, request: Request) -> JSONResponse:
        """Takes a mail from Postmark."""
        async with self._protected(POSTMARK, request, "EMAIL_POSTMARK_PASSWORD"), self._body(request) as body:
            raw, envelope = postmark.mail(postmark.inbound(body))
            hint = "turn on “Include raw email content in JSON payload” in the inbound stream's settings"
            return await self._take(POSTMARK, raw, envelope, hint)

    async def postmark_events(self, request: Request) -> JSONResponse:
        """Notes an event of Postmark's."""
        async with self._protected(POSTMARK, request, "EMAIL_POSTMARK_PASSWORD"), self._body(request) as body:
            return await self._note(POSTMARK, postmark.outcomes(decoded(body)))

    async def sendgrid_mail(self, request: Request) -> JSONResponse:
        """Takes a mail from SendGrid's Inbound Parse."""
        async with self._protected(SENDGRID, request, "EMAIL_SENDGRID_PASSWORD"), self._body(request) as body:
            raw, envelope = sendgrid.mail(await self._form(request, body))
            return await self._take(SENDGRID, raw, envelope, "turn on “POST the raw, full MIME message”")

    async def sendgrid_events(self, request: Request) -> JSONResponse:
        """Notes a batch of events of SendGrid's."""
        key = self._settings.sendgrid_public_key
        async with self._door(SENDGRID, key, "EMAIL_SENDGRID_PUBLIC_KEY"), self._body(request) as body:
            assert self._sendgrid is not None  # noqa: S101 - the door is open only with a key
            stamp, signature = (
                request.headers.get(f"x-twilio-email-event-webhook-{name}", "") for name in ("timestamp", "signature")
            )
            sendgrid.check(body, stamp, signature, self._sendgrid, self._clock())
            return await self._note(SENDGRID, sendgrid.outcomes(decoded(body)))

    async def amazon(self, request: Request) -> JSONResponse:
        """Takes what SES publishes by SNS: mails, events, and the topic's wish to be subscribed."""
        topics = self._settings.ses_topics
        async with self._door(AMAZON, topics, "EMAIL_SES_TOPICS"), self._body(request) as body:
            notice = sns.read(body)
            url = sns.certificate_of(notice, self._topics)
            sns.check(notice, await self._certificates.key(url), self._clock())
            if notice.type == sns.CONFIRMATION:
                await self._get(sns.confirmation(notice))
                log.info("a topic of Amazon SNS is subscribed to", topic=notice.topic_arn)
            elif notice.type == sns.GOODBYE:
                log.warning("a topic of Amazon SNS tells us nothing any more", topic=notice.topic_arn)
            elif notice.message.startswith("{"):
                return await self._published(decoded(notice.message))
            return JSONResponse({"event": notice.type})

    async def _published(self, told: object) -> JSONResponse:
        if not ses.is_mail(told):
            return await self._note(AMAZON, ses.outcomes(told))
        raw, envelope = ses.mail(told)
        if raw:
            return await self._take(AMAZON, raw, envelope, "")
        # Amazon has it, and says the same each time: for a person to see.
        where = ses.elsewhere(told)
        log.error("a mail lies at Amazon", where=where)
        await self._receiving.set_aside(msgspec.json.encode(told), envelope, Malformed(where))
        return JSONResponse({"message": ""})

    async def cloudflare_mail(self, request: Request) -> JSONResponse:
        """Takes a mail from our Email Worker."""
        secret = self._settings.cloudflare_secret.get_secret_value()
        async with self._door(CLOUDFLARE, secret, "EMAIL_CLOUDFLARE_SECRET"):
            if int(request.headers.get("content-length", "0")) > self._settings.max_size:
                raise _refused("too-large", 413, f"the mail is larger than {self._settings.max_size} bytes")
            stamp, sender, to, signature = (
                request.headers.get(f"x-switchboard-{name}", "")
                for name in ("timestamp", "sender", "recipient", "signature")
            )
            async with self._body(request) as raw:
                cloudflare.check(secret, stamp, sender, to, raw, signature, self._clock())
                return await self._take(CLOUDFLARE, raw, cloudflare.envelope(sender, to), "the request has no mail")

    @asynccontextmanager
    async def _door(self, rules: Rules, secret: str, variable: str) -> AsyncIterator[None]:
        """Opens where there is a secret; turns errors inside into what the provider understands."""
        if not secret:
            raise Rejected(404, "off", f"This webhook is off: set {variable} to turn it on.")
        try:
            yield
        except Untrusted as error:
            raise _refused(error.reason, rules.untrusted, str(error), rules.provider) from error
        except Malformed as error:
            raise _refused("malformed", rules.never, str(error), rules.provider) from error
        except Unavailable:
            METRICS.refused.labels(channel="email", reason="unavailable").inc()
            raise

    @asynccontextmanager
    async def _protected(self, rules: Rules, request: Request, variable: str) -> AsyncIterator[None]:
        """Opens for who knows the password, before the body is read."""
        password = getattr(self._settings, variable.removeprefix("EMAIL_").lower()).get_secret_value()
        async with self._door(rules, password, variable):
            check_password(request.headers.get("authorization", ""), password)
            yield

    @asynccontextmanager
    async def _body(self, request: Request) -> AsyncIterator[bytes]:
        """Reads a request. Of large ones only a few are taken at a time."""
        small = 0 < int(request.headers.get("content-length", "0")) <= _SMALL
        if not small and self._large >= _SEATS:
            raise Unavailable("other large mails are being taken")
        self._large += not small
        try:
            try:
                async with asyncio.timeout(_WITHIN):
                    body = await request.body()
            except TimeoutError as error:
                raise Unavailable("the request did not come to its end") from error
            yield body
        finally:
            self._large -= not small

    async def _form(self, request: Request, body: bytes) -> dict[str, bytes]:
        """Reads a form, in a thread: a large one takes seconds."""
        return await asyncio.to_thread(forms.fields, request.headers.get("content-type", ""), body)

    async def _take(self, rules: Rules, raw: bytes, envelope: Envelope, without: str) -> JSONResponse:
        """Receives a mail as SMTP does. One that is too large is cut as one of a mailbox is: its
        sender would hear nothing. `without`: what to do where there is no raw mail."""
        if not raw:
            raise _refused("no-raw-mail", 503, f"There is no raw mail in this request: {without}.", rules.provider)
        if envelope.recipients and all(map(self._somebody_else_s, envelope.recipients)):
            raise _refused("not-our-mailbox", rules.never, "This is not a mailbox of ours.", rules.provider)
        largest = self._settings.max_size
        if len(raw) > largest:
            raw, envelope = raw[:largest], replace(envelope, cut=True)
        return JSONResponse({"message": await self._receiving.receive(raw, replace(envelope, by_others=True))})

    def _somebody_else_s(self, address: str) -> bool:
        """Whether this is an address of our domain that is no mailbox of ours. Others are where our
        mail is forwarded to, such as the provider's own domain."""
        return self._mailboxes.at_our_domain(address) and not self._mailboxes.owns(address)

    async def _note(self, rules: Rules, outcomes: Iterable[Outcome]) -> JSONResponse:
        known = 0
        for told in outcomes:
            ours = await self._returns.heard(told, rules.provider)
            known += ours
            METRICS.mail_events.labels(provider=rules.provider, event=told.kind.value if ours else "unknown").inc()
            if not ours:
                log.info("an event is about no answer of ours", provider=rules.provider, kind=told.kind.value)
        return JSONResponse({"noted": known})

    def _once(self, token: str, *content: bytes) -> None:
        """Takes a token for one content only: Mailgun signs the token, not the content. Raises
        Untrusted. In this process; another one knows its own."""
        digest = hashlib.sha256(b"\x00".join(content)).digest()
        if self._tokens.setdefault(token, digest) != digest:
            raise Untrusted("replayed", "this token was used for another content")
        if len(self._tokens) > _TOKENS:
            del self._tokens[next(iter(self._tokens))]


def _refused(reason: str, status: int, words: str, provider: str = "cloudflare") -> Rejected:
    METRICS.refused.labels(channel="email", reason=reason).inc()
    log.warning("webhook refused", provider=provider, reason=reason, words=words[:300])
    return Rejected(status, reason, words)
