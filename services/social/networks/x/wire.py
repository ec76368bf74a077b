"""X's JSON into posts. Everything in it is a stranger's: a field may be missing, of another type,
or far too long.

X's documents have two names for some fields, `tweet` in the older and `post` in the newer: both are
read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from services.social.domain.posts import Post, clean
from shared.text import storable

_LONGEST = 30_000
"""Characters of a post; X's own longest is 25,000."""
_MOST_FOLLOWERS = 10_000_000_000
_LARGEST_ID = 2**63 - 1
_LONGEST_NUMBER = 20
"""Digits; Python refuses to read a number of more than 4,300."""
_REPOSTS = frozenset({"retweeted", "reposted"})

Found = tuple[list[Post], list[bytes]]
"""Posts, and what could not be read as one."""


def parsed(raw: bytes) -> Any:
    """Decodes what X sent, with U+FFFD for what is no character. Raises ValueError for no JSON."""
    try:
        return _storable(json.loads(raw.decode(errors="replace"), parse_int=_number))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def posts(body: Mapping[str, Any]) -> Found:
    """Reads posts from a timeline or a search, in the order given."""
    people, pictures = _people(body), _pictures(body)
    return _each(body, lambda item: _post(item, people, pictures))


def messages(body: Mapping[str, Any]) -> Found:
    """Reads messages from a list of direct-message events; joins and leaves are no messages."""
    people, pictures = _people(body), _pictures(body)
    kept = [
        i
        for i in _items(body.get("data"))
        if not (isinstance(i, dict) and i.get("event_type", "MessageCreate") != "MessageCreate")
    ]
    return _each({"data": kept}, lambda item: _message(item, people, pictures))


def _each(body: Mapping[str, Any], read: Any) -> Found:
    found: list[Post] = []
    odd: list[bytes] = []
    for item in _items(body.get("data")):
        try:
            found.append(read(item))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            odd.append(json.dumps(item).encode())
    return found, odd


def _storable(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case list():
            return [_storable(one) for one in value]
        case dict():
            return {storable(name): _storable(one) for name, one in value.items()}
    return value


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def _post(item: dict[str, Any], people: Mapping[str, Any], pictures: Mapping[str, str]) -> Post:
    author = _id(item["author_id"])
    long = _either(item, "note_tweet", "note_post") or {}
    references = {
        str(r.get("type")): str(r.get("id")) for r in _items(_either(item, "referenced_tweets", "referenced_posts"))
    }
    user = people.get(author, {})
    metrics = user.get("public_metrics") or {}
    entities = {**(item.get("entities") or {}), **(long.get("entities") or {})}
    attached = _items((item.get("attachments") or {}).get("media_keys"))
    own = _id(item["id"])
    versions = tuple(_id(i) for i in _items(_either(item, "edit_history_tweet_ids", "edit_history_post_ids")))
    conversation = _id(item.get("conversation_id") or own)
    return Post(
        id=own,
        author=author,
        text=clean((_text(long, "text") or _required(item, "text"))[:_LONGEST], _links(entities)),
        created_at=_moment(item["created_at"]),
        conversation=versions[0] if versions and conversation in versions else conversation,
        name=_text(user, "name")[:200],
        username=_text(user, "username")[:50],
        followers=min(_MOST_FOLLOWERS, max(0, int(metrics.get("followers_count", 0)))),
        language=_text(item, "lang")[:2],
        repost=not _REPOSTS.isdisjoint(references),
        versions=versions,
        media=tuple(pictures[key] for key in map(str, attached) if key in pictures),
        answers=references.get("replied_to", ""),
    )


def _message(item: dict[str, Any], people: Mapping[str, Any], pictures: Mapping[str, str]) -> Post:
    author = _id(item["sender_id"])
    user = people.get(author, {})
    attached = _items((item.get("attachments") or {}).get("media_keys"))
    return Post(
        id=_id(item["id"]),
        author=author,
        text=clean(_text(item, "text")[:_LONGEST], _links(item.get("entities") or {})),
        created_at=_moment(item["created_at"]),
        conversation=_required(item, "dm_conversation_id")[:100],
        name=_text(user, "name")[:200],
        username=_text(user, "username")[:50],
        direct=True,
        media=tuple(pictures[key] for key in map(str, attached) if key in pictures),
    )


def _people(body: Mapping[str, Any]) -> dict[str, Any]:
    users = _items(as_object(body.get("includes")).get("users"))
    return {str(user.get("id")): user for user in users if isinstance(user, dict)}


def _pictures(body: Mapping[str, Any]) -> dict[str, str]:
    media = [item for item in _items(as_object(body.get("includes")).get("media")) if isinstance(item, dict)]
    return {
        str(item.get("media_key")): str(item.get("url") or item.get("preview_image_url") or "")[:500] for item in media
    }


def _links(entities: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for link in _items(entities.get("urls")):
        if isinstance(link, dict) and link.get("url") and link.get("expanded_url"):
            yield str(link["url"]), str(link["expanded_url"])[:2000]


def as_object(value: object) -> dict[str, Any]:
    """Returns the value where it is an object, or else an empty one."""
    return value if isinstance(value, dict) else {}


def as_objects(value: object) -> list[dict[str, Any]]:
    """Returns the objects in the value where it is a list, or else none."""
    return [item for item in _items(value) if isinstance(item, dict)]


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _either(item: Mapping[str, Any], older: str, newer: str) -> Any:
    return item.get(older) or item.get(newer)


def _text(item: Mapping[str, Any], name: str) -> str:
    """Returns a text, or an empty one where there is none."""
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _required(item: Mapping[str, Any], name: str) -> str:
    value = item[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _id(value: object) -> str:
    """Reads an id. Ids are decimal numbers, sent as strings because JavaScript cannot hold them."""
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER and int(text) <= _LARGEST_ID):
        raise ValueError(f"not an id: {text[:40]!r}")
    return text


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(str(value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
