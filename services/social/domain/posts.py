"""A post as every network has it, and the event that is made of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.events import InboundMessage, ThreadClues
from shared.kernel import contact_point, message_id

NETWORK = "x"
WEB = "https://x.com"
"""Where people read posts."""
_EPOCH_MS = 1_288_834_974_657
"""X's ids carry the milliseconds since then above their lowest 22 bits (X developer documentation, "X IDs")."""
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
        """One person's part of a conversation: whoever else answers below the same post is somebody else's ticket."""
        return f"{_DIRECT}{self.conversation}" if self.direct else f"{self.conversation}/{self.author}"


def is_direct(name: str) -> bool:
    """Whether a provider id or a conversation is that of a direct message."""
    return name.startswith(_DIRECT)


def summoned(post: Post, account: Account) -> bool:
    """Whether its author mentioned us or quoted a post of ours, without which X's self-serve plans let nobody answer."""
    ours = re.escape(account.username)
    return bool(
        re.search(rf"(?<![\w@])@{ours}(?!\w)|//(?:www\.)?(?:x|twitter)\.com/{ours}/status/", post.text, re.IGNORECASE)
    )


def ignored(post: Post, account: Account) -> str:
    """Why a post is none of our business: `own`, `repost`, `empty`; or an empty string."""
    if post.author == account.id:
        return "own"
    if post.repost:
        return "repost"
    return "" if post.text.strip() or post.media else "empty"


def inbound(
    post: Post,
    account: Account,
    received_at: datetime,
    language: str,
    complaint: float | None,
    facts: dict[str, str],
    web: str = WEB,
    closed: str = "",
) -> InboundMessage:
    """The event. Its id comes from the post's alone, so that a post is one message by whatever way it came. web: where people read it;
    closed: as in the event."""
    links = {"Post": f"{web}/{post.username or 'i'}/status/{post.id}"} if not post.direct else {}
    about = {"Account": f"@{post.username}"} if post.username else {}
    pictures = {"Pictures": " ".join(post.media)} if post.media else {}
    edited = {"Edited": f"version {post.version}"} if post.version > 1 else {}
    return InboundMessage(
        id=message_id(NETWORK, post.provider_id),
        channel=NETWORK,
        provider_id=post.provider_id,
        sender=contact_point(NETWORK, post.author),
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
        facts={**links, **about, **pictures, **edited, **facts},
    )


def clean(text: str, links: Iterable[tuple[str, str]] = ()) -> str:
    """A post's text without HTML entities and with its shortened links written out. `links`: short and long."""
    text, long = html.unescape(text), {html.unescape(short): written for short, written in links}
    if long:
        # All at once and the longest first: an address that was put in is never read again, nor one cut short by its beginning.
        shortened = re.compile("|".join(re.escape(short) for short in sorted(long, key=len, reverse=True)))
        text = shortened.sub(lambda found: long[found[0]], text)
    return text.strip()


def id_at(moment: datetime) -> int:
    """The smallest id that a post of this moment can have; 0 for the time before there were such ids."""
    return max(0, int(moment.timestamp() * 1000) - _EPOCH_MS) << 22


def earlier(newest: int, seconds: float) -> int:
    """An id that is so many seconds older."""
    return max(0, newest - (int(seconds * 1000) << 22))


def query(names: Sequence[str], account: Account) -> str:
    """X's search for the brand's names, without reposts and our own posts; empty where there is no name."""
    words = [
        f'"{name}"' if re.search(r"[^\w#@]", name) else name for name in (n.replace('"', "") for n in names) if name
    ]
    return f"({' OR '.join(words)}) -is:retweet -from:{account.username}" if words else ""
