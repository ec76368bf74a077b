"""A site: a product or web page whose customers write to us."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from services.dashboard.domain.drafts import Author
from services.dashboard.domain.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Site:
    """`key` names the site and may be seen by everybody; `secrets` (kid → secret) sign identities
    and may not."""

    id: str
    name: str
    key: str
    mode: str = "optional"
    origins: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def check_origin(self, origin: str) -> None:
        """Refuses a page whose origin is not listed: browsers tell it and cannot lie; programs send
        none. Raises Refusal."""
        if origin and origin not in self.origins:
            raise Refusal(
                "origin-not-allowed",
                f"pages of {origin[:200]} may not call for this site: add it to the site's origins",
            )


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who may write to and read one conversation of a site, until `expires_at`."""

    site: Site
    author: Author
    expires_at: datetime


def site_id(name: str) -> str:
    """Makes an id from a name, `Ann's Shop` → `ann-s-shop`: short and readable, as it stands in
    links and tokens. Raises Refusal."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-")
    if not slug:
        raise Refusal(
            "site-name", "a site's name needs at least one Latin letter or digit, as its id is made from them", "name"
        )
    return slug


def origin_of(text: str) -> str:
    """Normalises an origin to scheme, host and port as browsers send them. Raises Refusal for
    anything with a path, or without a scheme."""
    parts = urlsplit(text.strip().lower().removesuffix("/"))
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query or "@" in parts.netloc:
        raise Refusal(
            "site-origin", f"{text!r} is not an origin: write it like https://shop.example, without a path", "origin"
        )
    return f"{parts.scheme}://{parts.netloc}"
