"""Describes X: its channel, what is polled how often, and what is its own about posts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec.structs import replace

from services.social.domain.posts import Post
from services.social.networks.x import posts
from services.social.networks.x.channel import CHANNEL
from services.social.networks.x.client import XClient
from services.social.networks.x.sender import XSender
from services.social.networks.x.stream import XStream
from services.social.networks.x.text import length
from services.social.networks.x.transport import Access
from services.social.ports import Denied, Network, Schedule, Source
from services.social.settings import SocialSettings
from shared.db import Database
from shared.delivery import Ledger


def create(settings: SocialSettings) -> Network:
    """Makes X of its settings, also where credentials are missing."""
    access = Access(
        consumer_key=settings.x_consumer_key.get_secret_value(),
        consumer_secret=settings.x_consumer_secret.get_secret_value(),
        access_token=settings.x_access_token.get_secret_value(),
        access_token_secret=settings.x_access_token_secret.get_secret_value(),
        url=settings.x_api_url,
        timeout=settings.x_timeout,
        names=settings.names,
        search=settings.x_search,
    )
    return XNetwork(
        access,
        web=settings.x_web_url.rstrip("/"),
        summoned_only=settings.x_answers == "summoned",
        longest=settings.x_longest_reply,
        schedules=_schedules(settings),
        silence=settings.x_stream_silence if settings.x_stream == "auto" else 0,
        missing=settings.missing,
    )


def _schedules(settings: SocialSettings) -> dict[Source, Schedule]:
    first = timedelta(hours=settings.x_first_hours)
    posts = Schedule(settings.x_every, settings.x_overlap, first, settings.x_stream_every)
    every = {Source.MENTIONS: posts}
    if settings.names or settings.x_search:
        every[Source.SEARCH] = posts
    if settings.x_messages_every:
        every[Source.MESSAGES] = Schedule(settings.x_messages_every, settings.x_overlap, first)
    return every


class XNetwork(XClient):
    """Implements `ports.Network`. `web`: where people read posts; `longest`: weighted
    characters of a public reply; `silence`: as of `XStream`, 0: no stream."""

    lock = 5_120_431_877
    id_at, earlier, summoned = staticmethod(posts.id_at), staticmethod(posts.earlier), staticmethod(posts.summoned)
    remembered = timedelta(days=6, hours=20)
    """X's recent search knows seven days; a cursor further back is refused."""

    def __init__(
        self,
        access: Access,
        *,
        web: str = "https://x.com",
        summoned_only: bool = False,
        longest: int = 280,
        schedules: Mapping[Source, Schedule] | None = None,
        silence: float = 0,
        missing: Sequence[str] = (),
    ) -> None:
        super().__init__(access)
        self._web, self._longest = web, longest
        self.summoned_only, self.schedules, self.missing = summoned_only, schedules or {}, missing
        self.channel = replace(CHANNEL, length=length(longest))
        self.stream = XStream(access, silence) if silence else None

    def replies(self, database: Database, ledger: Ledger) -> XSender:
        """Makes what delivers replies to X (see `Network.replies`)."""
        return XSender(self, database, ledger, longest=self._longest, summoned_only=self.summoned_only)

    def link(self, post: Post) -> str:
        """Returns where people read a public post (see `Network.link`)."""
        return f"{self._web}/{post.username or 'i'}/status/{post.id}"

    def why_off(self, error: Denied) -> str:
        """Explains a refusal of everything to an operator (see `Network.why_off`)."""
        if error.unpaid:
            return f"X wants to be paid ({error}): add credit, or raise the spending limit, in X's developer console"
        return f"X refuses our credentials ({error}): check SOCIAL_X_CONSUMER_KEY and the three that follow"
