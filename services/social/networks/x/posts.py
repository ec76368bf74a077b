"""What is X's own about posts: ids that carry their time, its search, whom we may answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from services.social.domain.posts import Account, Post

_EPOCH_MS = 1_288_834_974_657
"""X's ids carry the milliseconds since then above their lowest 22 bits (X developer documentation,
"X IDs")."""


def summoned(post: Post, account: Account) -> bool:
    """Returns whether its author mentioned us or quoted a post of ours, without which X's
    self-serve plans let nobody answer."""
    ours = re.escape(account.username)
    return bool(
        re.search(rf"(?<![\w@])@{ours}(?!\w)|//(?:www\.)?(?:x|twitter)\.com/{ours}/status/", post.text, re.IGNORECASE)
    )


def id_at(moment: datetime) -> int:
    """Returns the smallest id of a post of this moment; 0 before there were such ids."""
    return max(0, int(moment.timestamp() * 1000) - _EPOCH_MS) << 22


def earlier(newest: int, seconds: float) -> int:
    """Returns an id that is so many seconds older."""
    return max(0, newest - (int(seconds * 1000) << 22))


def query(names: Sequence[str], account: Account) -> str:
    """Returns the search for the brand's names, without reposts and our own posts, or nothing."""
    words = [
        f'"{name}"' if re.search(r"[^\w#@]", name) else name for name in (n.replace('"', "") for n in names) if name
    ]
    return f"({' OR '.join(words)}) -is:retweet -from:{account.username}" if words else ""
