"""A post as every network has it, and the event that is made of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from shared.events import InboundMessage, ThreadClues
from shared.events import Post as ToldPost
from shared.kernel import contact_point, message_id
from shared.language import detect

_DIRECT = "dm:"
NOT_SUMMONED = "not-summoned"
"""`InboundMessage.closed` of a post whose author did not mention us."""


@dataclass(frozen=True, slots=True)
class Account:
    """Our own account."""

    id: str
    username: str


@dataclass(frozen=True, slots=True)
class Post:
    """A public post, or a direct message where `direct`."""

    id: str
    author: str
    """Numeric id: handles change."""
    text: str
    created_at: datetime
    conversation: str
    name: str = ""
    username: str = ""
    followers: int = 0
    language: str = ""
    """The network's guess, ISO 639-1, or empty."""
    repost: bool = False
    direct: bool = False
    versions: tuple[str, ...] = ()
    """Ids of all versions of an edited post, oldest first."""
    media: tuple[str, ...] = ()
    answers: str = ""
    """Id of the post that it answers."""

    @property
    def provider_id(self) -> str:
        """Told apart from a public post's in a ticket that has both."""
        return f"{_DIRECT}{self.id}" if self.direct else self.id

    @property
    def version(self) -> int:
        """1 for a post that was never edited."""
        return self.versions.index(self.id) + 1 if self.id in self.versions else 1

    @property
    def thread(self) -> str:
        """One person's part of a conversation: another's answer below the post is another
        ticket."""
        return f"{_DIRECT}{self.conversation}" if self.direct else f"{self.conversation}/{self.author}"


def in_order(posts: Iterable[Post]) -> list[Post]:
    """Sorts posts, oldest first."""
    return sorted(posts, key=lambda post: int(post.id))


def is_direct(name: str) -> bool:
    """Returns whether a provider id or a conversation is that of a direct message."""
    return name.startswith(_DIRECT)


def ignored(post: Post, account: Account) -> str:
    """Returns why a post is none of our business: `own`, `repost`, `empty`; or an empty string."""
    if post.author == account.id:
        return "own"
    if post.repost:
        return "repost"
    return "" if post.text.strip() or post.media else "empty"


def inbound(
    post: Post,
    network: str,
    account: Account,
    received_at: datetime,
    language: str,
    complaint: float | None,
    facts: dict[str, str],
    link: str = "",
    closed: str = "",
    told: ToldPost | None = None,
) -> InboundMessage:
    """Makes the event of a post. Its id is made from network and post alone, so that a post is one
    message by whatever way it came. `link`: where people read a public post; `closed`: as in the
    event; `told`: what it sounds like, and its burst."""
    links = {"Post": link} if link and not post.direct else {}
    about = {"Account": f"@{post.username}"} if post.username else {}
    pictures = {"Pictures": " ".join(post.media)} if post.media else {}
    edited = {"Edited": f"version {post.version}"} if post.version > 1 else {}
    return InboundMessage(
        id=message_id(network, post.provider_id),
        channel=network,
        provider_id=post.provider_id,
        sender=contact_point(network, post.author),
        sender_name=post.name or post.username,
        sender_verified=True,
        received_at=received_at,
        text=post.text,
        recipient=f"@{account.username}" if account.username else "",
        language=language,
        thread=ThreadClues(conversation=post.thread),
        public=not post.direct,
        reach=0 if post.direct else post.followers,
        complaint=complaint,
        closed=closed,
        account=about.get("Account", ""),
        post=None if post.direct else replace(told or ToldPost(), url=link),
        facts={**links, **about, **pictures, **edited, **facts},
    )


def language_of(post: Post, languages: Sequence[str]) -> str:
    """Tells the language of a post. Networks guess badly where it is short, so theirs decides only
    what the text leaves open."""
    told = detect(post.text, languages, (post.language,))
    return told or (post.language if post.language in languages else "")


def clean(text: str, links: Iterable[tuple[str, str]] = ()) -> str:
    """Returns a text without HTML entities and with its links, short and long, written out."""
    text, long = html.unescape(text), {html.unescape(short): written for short, written in links}
    if long:
        # All at once and the longest first: an address that was put in is never read again, nor one
        # cut short by its beginning.
        shortened = re.compile("|".join(re.escape(short) for short in sorted(long, key=len, reverse=True)))
        text = shortened.sub(lambda found: long[found[0]], text)
    return text.strip()
