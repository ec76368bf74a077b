"""Delivers each reply by its network, and says how an attempt ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from services.social.availability import REPLIES, Availability
from services.social.domain import pace
from services.social.ports import Denied, Later, Refused, Replies, Unseen
from shared.attempts import Result, RetryPolicy
from shared.clock import utc_now
from shared.delivery import Attempt, DeliveryPolicy, Finding, NotSent, SendResult, Sent, Unknown
from shared.errors import Malformed, Unavailable

SETTLE = timedelta(seconds=5)
"""A network shows a post in our timeline within that."""
_CALLS = 4
"""Requests of one attempt at most: the reply, a look at what was sent, the reply with a name, and
one to spare."""
_RETRY = RetryPolicy(first=timedelta(seconds=2), longest=timedelta(minutes=2), give_up=timedelta(hours=24))
"""After a day a reply in public is no reply any more; an agent decides."""


def policy(timeout: float, settle: timedelta) -> DeliveryPolicy:
    """Makes the policy: one at a time, for a network counts them for the whole account. `timeout`:
    seconds of one request; `settle`: as of `NetworkSender`."""
    return DeliveryPolicy(lease=_CALLS * timedelta(seconds=timeout) + settle, retry=_RETRY, settle=settle)


class NetworkSender:
    """See `shared.delivery.Sender`. `networks`: replies and availability by channel; `settle`: how
    long after an attempt began its network can tell whether it went out, also where its process
    died."""

    def __init__(self, networks: Mapping[str, tuple[Replies, Availability]], settle: timedelta) -> None:
        self._networks, self._settle = networks, settle

    async def send(self, attempt: Attempt) -> SendResult:
        """Makes one attempt at delivery (see `Sender`)."""
        replies, availability = self._network(attempt)
        label = availability.label
        if availability.missing:
            return SendResult(Result.REFUSED, f"{label} is off: {availability.missing}.")
        try:
            provider_id = await replies.send(attempt.request, availability.account)
        except Later as error:
            now = utc_now()
            pause = timedelta(seconds=pace.until_reset(error.at, now)) if error.at else timedelta()
            return SendResult(Result.LATER, str(error), not_before=now + pause)
        except Denied as error:
            if error.altogether:
                availability.refused(REPLIES, error)
            words = availability.why_off or f"{label} does not allow it: {error}"
            return SendResult(Result.LATER, words, not_before=utc_now() + timedelta(seconds=pace.DENIED))
        except Unseen as error:
            return SendResult(Result.UNKNOWN, str(error))
        except Refused as error:
            return SendResult(Result.REFUSED, f"{label} refused it: {error}")
        availability.delivered()
        return SendResult(Result.DONE, provider_id=provider_id)

    async def find(self, attempt: Attempt) -> Finding:
        """Asks the network for an attempt whose end nobody saw (see `Sender`)."""
        replies, availability = self._network(attempt)
        words = f"It may or may not have been sent before an interruption. Look at the thread on {availability.label}."
        if availability.missing:
            return Unknown(words)
        if utc_now() < attempt.started_at + self._settle:
            raise Unavailable("it is too early to tell whether this was sent")
        try:
            found = await replies.find(attempt.request, availability.account, attempt.started_at)
        except Denied as error:
            raise Unavailable(str(error)) from error
        except Refused:  # what may be answered has changed since
            return Unknown(words)
        if found is None:
            return Unknown(words)
        return Sent(found) if found else NotSent()

    def _network(self, attempt: Attempt) -> tuple[Replies, Availability]:
        channel = attempt.request.channel
        if channel not in self._networks:
            raise Malformed(f"there is no network {channel!r} here")
        return self._networks[channel]
