"""X's API v2 on loopback, as far as the social service uses it: wire format, OAuth, rate limits,
errors. tweepy's real client talks to it. `python -m tests.providers.x [port]` runs it by itself,
prints the settings to reach it, and has `/control/...` for what happens there.

It follows X's public document as `x_facts.py` has it, and refuses what that does not know.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.providers import x_facts, x_oauth
from tests.providers.facts import Exchange, operation
from tests.providers.x_stream import Streams

EPOCH_MS = 1_288_834_974_657
_STREAM = "/2/tweets/search/stream"
WINDOW = 900
"""Seconds of a rate limit's window, as at X."""
Answer = tuple[int, dict[str, Any]]


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(number: int) -> float:
    return ((number >> 22) + EPOCH_MS) / 1000


@dataclass
class User:
    id: str
    username: str
    name: str
    followers: int = 10


@dataclass
class Tweet:
    id: int
    author: str
    text: str
    conversation: int
    answers: int = 0
    reposts: int = 0
    lang: str = "und"
    history: tuple[int, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class DirectMessage:
    id: int
    sender: str
    conversation: str
    text: str


@dataclass
class X:
    """What happens at X. Public methods may be called from a test while the server runs."""

    me: User = field(default_factory=lambda: User("7000", "acme", "Acme", 5_000))
    page_size: int = 100
    limits: dict[str, int] = field(default_factory=lambda: {"mentions": 450, "search": 450, "dm": 450, "post": 200})
    outage: str = ""
    """`503`, `500`, `hang`, `cut` (half an answer) or `drop` (the connection ends); empty: all is
    well."""
    after_post: str = ""
    """As `outage`, once a POST has taken effect: its answer never comes."""
    denied: int = 0
    """401 or 403 to everything."""
    raw: list[dict[str, Any]] = field(default_factory=list)
    """Items put in front of every page of mentions as they are: what no specification foresaw."""
    streams: Streams = field(default_factory=Streams)
    """The filtered stream; `streams.allowed` where the plan has it."""
    now: Callable[[], float] = time.time
    """Seconds since 1970."""

    def __post_init__(self) -> None:
        self.users = {self.me.id: self.me}
        self.tweets: dict[int, Tweet] = {}
        self.messages: dict[int, DirectMessage] = {}
        self.calls: list[tuple[str, str]] = []
        self.exchanges: list[Exchange] = []
        """Those that X answered in whole."""
        self.used: dict[str, int] = defaultdict(int)
        self.resets: dict[str, int] = {}
        self.lock = threading.RLock()
        self.released = threading.Event()
        self._last = 0

    # What people do there

    def person(self, username: str, followers: int = 10, name: str = "") -> User:
        with self.lock:
            for user in self.users.values():
                if user.username == username:
                    return user
            user = User(str(9_000_000 + len(self.users)), username, name or username.title(), followers)
            self.users[user.id] = user
            return user

    def post(
        self,
        author: User,
        text: str,
        answers: int = 0,
        reposts: int = 0,
        ago: float = 0,
        lang: str = "und",
        **extra: Any,
    ) -> int:
        """The new post's id. ago: seconds."""
        with self.lock:
            number = self._id(ago)
            conversation = self.tweets[answers].conversation if answers in self.tweets else number
            self.tweets[number] = Tweet(number, author.id, text, conversation, answers, reposts, lang, (number,), extra)
            self._into_streams(number)
            return number

    def edit(self, number: int, text: str) -> int:
        with self.lock:
            old = self.tweets.pop(number)
            new = self._id(0)
            self.tweets[new] = Tweet(
                new, old.author, text, old.conversation, old.answers, 0, old.lang, (*old.history, new)
            )
            self._into_streams(new)
            return new

    def write_to_us(self, sender: User, text: str) -> int:
        return self._message(sender.id, sender.id, text)

    def ours(self) -> list[Tweet]:
        """Public posts of the company, oldest first."""
        with self.lock:
            return [tweet for _, tweet in sorted(self.tweets.items()) if tweet.author == self.me.id]

    def our_messages(self) -> list[DirectMessage]:
        with self.lock:
            return [message for _, message in sorted(self.messages.items()) if message.sender == self.me.id]

    # What the API does

    def answer(  # noqa: PLR0911 - a table of what X has
        self, method: str, path: str, query: Mapping[str, str], body: dict[str, Any]
    ) -> tuple[str, Callable[[], Answer]]:
        """The rate limit's name and the work."""
        if path == "/2/tweets/search/stream/rules":
            return "rules", lambda: self.streams.rules_for(method, body)
        if method == "GET" and path == "/2/users/me":
            return "me", lambda: (200, {"data": _plain_user(self.me)})
        if method == "GET" and (found := re.fullmatch(r"/2/users/(\d+)/mentions", path)):
            return "mentions", lambda: self._timeline(query, self._mentions_of(found[1]), "pagination_token")
        if method == "GET" and (found := re.fullmatch(r"/2/users/(\d+)/tweets", path)):
            return "timeline", lambda: self._timeline(query, lambda tweet: tweet.author == found[1], "pagination_token")
        if method == "GET" and path == "/2/tweets/search/recent":
            return "search", lambda: self._search(query)
        if method == "POST" and path == "/2/tweets":
            return "post", lambda: self._create(body)
        if method == "GET" and path == "/2/dm_events":
            return "dm", lambda: self._events(query, "")
        if method == "GET" and (found := re.fullmatch(r"/2/dm_conversations/with/(\d+)/dm_events", path)):
            return "dm", lambda: self._events(query, found[1])
        if method == "POST" and (found := re.fullmatch(r"/2/dm_conversations/with/(\d+)/messages", path)):
            return "post", lambda: self._send(found[1], body)
        return "other", lambda: problem(404, "Not Found", "Could not find the requested resource.")

    def count(self, name: str) -> tuple[int, int, int]:
        """Limit, remaining (-1: exceeded) and reset of this call."""
        now, limit = int(self.now()), self.limits.get(name, 900)
        if self.resets.get(name, 0) <= now:
            self.resets[name], self.used[name] = now + WINDOW, 0
        self.used[name] += 1
        return limit, limit - self.used[name], self.resets[name]

    def lift_limit(self, name: str, limit: int) -> None:
        with self.lock:
            self.limits[name], self.resets[name] = limit, 0

    def _mentions_of(self, user: str) -> Callable[[Tweet], bool]:
        handle = f"@{self.users[user].username}".lower()
        return lambda tweet: bool(re.search(rf"{re.escape(handle)}\b", tweet.text.lower()))

    def _search(self, query: Mapping[str, str]) -> Answer:
        words = query.get("query", "")
        if len(words) > 512:
            return invalid(["query: longer than the 512 characters of this plan"])
        since = query.get("since_id")
        if since and self.now() - moment_of(int(since)) > 7 * 24 * 3600:
            detail = "'since_id' must be a tweet id created after [7 days ago]. Please use a 'since_id' that is larger."
            return invalid([detail])
        return self._timeline(query, lambda tweet: self._matches(words, tweet), "next_token")

    def _matches(self, words: str, tweet: Tweet) -> bool:
        """As far as X's query language is used here: names with OR, `-is:retweet`, `-from:`."""
        names = [
            name.strip('"').lower()
            for name in re.findall(r'"[^"]+"|[^\s()]+', words.partition(" -")[0])
            if name != "OR"
        ]
        without = words.partition("-from:")[2].split(" ")[0].lower()
        if "-is:retweet" in words and tweet.reposts:
            return False
        return self.users[tweet.author].username.lower() != without and any(n in tweet.text.lower() for n in names)

    def _into_streams(self, number: int) -> None:
        tweet = self.tweets[number]
        matching = [rule for rule in self.streams.rules.values() if self._matches(rule["value"], tweet)]
        if matching:
            everything = {"tweet.fields": ",".join((*_FIELDS, *tweet.extra)), "expansions": "author_id"}
            everything["user.fields"] = "public_metrics"
            self.streams.send(
                {
                    "data": _tweet(tweet, everything),
                    "includes": {"users": [_user(self.users[tweet.author], everything)]},
                    "matching_rules": [{"id": rule["id"], "tag": rule.get("tag", "")} for rule in matching],
                }
            )

    def _timeline(self, query: Mapping[str, str], wanted: Callable[[Tweet], bool], token: str) -> Answer:
        since, before = int(query.get("since_id", 0)), int(query.get(token, 0)) or None
        start = datetime.fromisoformat(query["start_time"]).timestamp() if "start_time" in query else 0
        size = min(self.page_size, int(query.get("max_results", 10)))
        found = [
            tweet
            for number, tweet in sorted(self.tweets.items(), reverse=True)
            if number > since and (before is None or number < before) and moment_of(number) >= start and wanted(tweet)
        ]
        page = found[:size]
        if not page and not (self.raw and token == "pagination_token"):
            return 200, {"meta": {"result_count": 0}}
        authors = {tweet.author: self.users[tweet.author] for tweet in page}
        meta: dict[str, Any] = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": str(page[0].id), "oldest_id": str(page[-1].id)}
        if len(found) > size:
            meta["next_token"] = str(page[-1].id)
        data = [_tweet(tweet, query) for tweet in page]
        return 200, {"data": [*self.raw, *data], **_people(authors, query, "author_id"), "meta": meta}

    def _create(self, body: dict[str, Any]) -> Answer:
        text = str(body.get("text", ""))
        if not text:
            return invalid(["body.text: missing"])
        if any(tweet.text == text for tweet in self.ours()[-50:]):
            return problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
        answers = int((body.get("reply") or {}).get("in_reply_to_tweet_id", 0))
        if answers and answers not in self.tweets:
            return problem(403, "Forbidden", "You attempted to reply to a Tweet that is deleted or not visible to you.")
        number = self.post(self.me, text, answers=answers)
        return 201, {"data": {"id": str(number), "text": text}}

    def _send(self, person: str, body: dict[str, Any]) -> Answer:
        if person not in self.users:
            return problem(403, "Forbidden", "You cannot send messages to this user.")
        number = self._message(self.me.id, person, str(body.get("text", "")))
        return 201, {"data": {"dm_conversation_id": self.messages[number].conversation, "dm_event_id": str(number)}}

    def _events(self, query: Mapping[str, str], person: str) -> Answer:
        before, size = (
            int(query.get("pagination_token", 0)) or None,
            min(self.page_size, int(query.get("max_results", 100))),
        )
        found = [
            message
            for number, message in sorted(self.messages.items(), reverse=True)
            if (before is None or number < before) and (not person or person in message.conversation.split("-"))
        ]
        page = found[:size]
        meta = {"result_count": len(page), **({"next_token": str(page[-1].id)} if len(found) > size else {})}
        if not page:
            return 200, {"meta": meta}
        senders = {message.sender: self.users[message.sender] for message in page}
        data = [_direct_message(message, query) for message in page]
        return 200, {"data": data, **_people(senders, query, "sender_id"), "meta": meta}

    def _message(self, sender: str, person: str, text: str) -> int:
        with self.lock:
            number = self._id(0)
            conversation = "-".join(sorted([person, self.me.id]))
            self.messages[number] = DirectMessage(number, sender, conversation, text)
            return number

    def _id(self, ago: float) -> int:
        """As X makes them: time, then a counter; of posts made now, each greater than the one
        before."""
        number = (int((self.now() - ago) * 1000) - EPOCH_MS) << 22
        if not ago:
            number = self._last = max(number, self._last + 1)
        while number in self.tweets or number in self.messages:
            number += 1
        return number


_FIELDS = ("author_id", "created_at", "conversation_id", "lang", "edit_history_tweet_ids", "referenced_tweets")


def problem(status: int, title: str, detail: str, kind: str = "", **more: Any) -> Answer:
    """`kind`: of those in the document; without one the status says it all."""
    what = f"https://api.x.com/2/problems/{kind}" if kind else "about:blank"
    return status, {"title": title, "detail": detail, "type": what, "status": status, **more}


def invalid(wrong: list[str]) -> Answer:
    """A request that the document does not allow."""
    errors = [{"parameters": {one.split(":")[0].partition(".")[2]: []}, "message": one} for one in wrong]
    return problem(400, "Invalid Request", "; ".join(wrong), "invalid-request", errors=errors)


def _plain_user(user: User) -> dict[str, Any]:
    return {"id": user.id, "name": user.name, "username": user.username}


def _user(user: User, query: Mapping[str, str]) -> dict[str, Any]:
    metrics = {
        "followers_count": user.followers,
        "following_count": 3,
        "tweet_count": 12,
        "listed_count": 0,
        "like_count": 1,
    }
    wanted = query.get("user.fields", "").split(",")
    return {**_plain_user(user), **({"public_metrics": metrics} if "public_metrics" in wanted else {})}


def _people(users: Mapping[str, User], query: Mapping[str, str], expansion: str) -> dict[str, Any]:
    """Where they were asked for, and there are any."""
    if not users or expansion not in query.get("expansions", "").split(","):
        return {}
    return {"includes": {"users": [_user(user, query) for user in users.values()]}}


def _direct_message(message: DirectMessage, query: Mapping[str, str]) -> dict[str, Any]:
    wanted = {*query.get("dm_event.fields", "").split(","), *query.get("expansions", "").split(",")}
    full = {
        "sender_id": message.sender,
        "dm_conversation_id": message.conversation,
        "created_at": iso(moment_of(message.id)),
    }
    always = {"id": str(message.id), "event_type": "MessageCreate", "text": message.text}
    return {**always, **{key: value for key, value in full.items() if key in wanted}}


def _tweet(tweet: Tweet, query: Mapping[str, str]) -> dict[str, Any]:
    """Id and text always, the rest as asked for by `tweet.fields` and `expansions`."""
    wanted = {*query.get("tweet.fields", "").split(","), *query.get("expansions", "").split(",")}
    references = [
        {"type": kind, "id": str(number)}
        for kind, number in (("replied_to", tweet.answers), ("retweeted", tweet.reposts))
        if number
    ]
    full = {
        "author_id": tweet.author,
        "created_at": iso(moment_of(tweet.history[0])),
        "conversation_id": str(tweet.conversation),
        "lang": tweet.lang,
        "edit_history_tweet_ids": [str(number) for number in tweet.history],
        **({"referenced_tweets": references} if references else {}),
        **tweet.extra,
    }
    return {"id": str(tweet.id), "text": tweet.text, **{key: value for key, value in full.items() if key in wanted}}


def _seen(tweet: Tweet, author: User) -> dict[str, Any]:
    """As somebody who reads along sees it."""
    return {
        "id": str(tweet.id),
        "text": tweet.text,
        "answers": str(tweet.answers or ""),
        "at": moment_of(tweet.id),
        "name": author.name,
        "username": author.username,
        "followers": author.followers,
    }


_NOBODY = problem(401, "Unauthorized", "Unauthorized")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._serve("GET", b"")

    def do_POST(self) -> None:
        self._serve("POST", self.rfile.read(int(self.headers.get("content-length", 0))))

    def _serve(self, method: str, raw: bytes) -> None:
        x, parts = self.server.x, urlsplit(self.path)
        if parts.path.startswith("/control/"):  # always JSON: curl says that everything is a form
            self._control(parts.path.removeprefix("/control/"), json.loads(raw or b"{}"))
            return
        form = self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        body = dict(parse_qsl(raw.decode())) if form else json.loads(raw or b"{}")
        query = dict(parse_qsl(parts.query))
        with x.lock:
            x.calls.append((method, parts.path))
            trouble = x.outage
        if trouble:
            self._fail(trouble)
            return
        if before := self._without_asking(method, parts.path, raw):
            self._say(*before)
            return
        streaming = parts.path == _STREAM
        name, work = ("stream", x.streams.full) if streaming else x.answer(method, parts.path, query, body)
        known = operation(x_facts.OPERATIONS, method, parts.path)
        if known and (wrong := known.unfit(query, body)):
            work = lambda: invalid(wrong)  # noqa: E731
        with x.lock:
            limit, left, reset = x.count(name)
            headers = {"x-rate-limit-limit": limit, "x-rate-limit-remaining": max(left, 0), "x-rate-limit-reset": reset}
            status, answer = work() if left >= 0 else problem(429, "Too Many Requests", "Too Many Requests")
            trouble = x.after_post if method == "POST" and status < 400 else ""
            if not trouble:
                told = {name: str(value) for name, value in headers.items()}
                x.exchanges.append(Exchange(method, parts.path, query, body, status, answer, told))
        if trouble:
            self._fail(trouble)
        elif streaming and status == 200:
            self._stream(headers)
        else:
            self._say(status, answer, headers)

    def _without_asking(self, method: str, path: str, raw: bytes) -> Answer | None:
        """What is answered whatever X knows: the app's token, and refusals."""
        x = self.server.x
        if path == "/oauth2/token":
            app = x_oauth.is_app(self.headers.get("authorization", ""))
            return (200, {"token_type": "bearer", "access_token": x_oauth.BEARER}) if app else _NOBODY
        if not self._signed(method, path, raw):
            return _NOBODY
        if x.denied:
            title = "Forbidden" if x.denied == 403 else "Unauthorized"
            return problem(x.denied, title, "Your account may not do this.")
        if path.startswith(_STREAM) and not x.streams.allowed:
            detail, reason = "Your plan does not include the filtered stream.", "client-not-enrolled"
            return problem(403, "Client Forbidden", detail, "client-forbidden", reason=reason)
        return None

    def _stream(self, headers: Mapping[str, object]) -> None:
        """Lines in chunks, until somebody hangs up."""
        x = self.server.x
        mine = x.streams.connect()
        self.send_response(200)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        for key, value in headers.items():
            self.send_header(key, str(value))
        self.end_headers()
        self.close_connection = True
        for line in x.streams.lines(mine, x.released):
            try:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                self.wfile.flush()
            except OSError:
                return

    def _signed(self, method: str, path: str, raw: bytes) -> bool:
        """Streams take the app's token, everything else the account's signature."""
        if path.startswith(_STREAM):
            return self.headers.get("authorization", "") == f"Bearer {x_oauth.BEARER}"
        return x_oauth.signed(method, self.path, self.headers, raw)

    def _fail(self, trouble: str) -> None:
        if trouble == "hang":
            self.server.x.released.wait(30)
            self.close_connection = True
        elif trouble == "drop":
            self.close_connection = True
        elif trouble == "cut":
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "17")
            self.end_headers()
            self.wfile.write(b'{"data":[{"id":"1')
        else:
            self._say(*problem(int(trouble), "Service Unavailable", "Service Unavailable"))

    def _control(self, what: str, body: dict[str, Any]) -> None:
        """For a demonstration, from the command line: `post`, `message`, `outage`, `posts`,
        `feed`."""
        x = self.server.x
        match what:
            case "post":
                author = x.person(str(body["username"]), int(body.get("followers", 10)), str(body.get("name", "")))
                self._say(200, {"id": str(x.post(author, str(body["text"]), int(body.get("answers", 0))))})
            case "message":
                self._say(200, {"id": str(x.write_to_us(x.person(str(body["username"])), str(body["text"])))})
            case "outage":
                x.outage = str(body.get("kind", ""))
                self._say(200, {"outage": x.outage})
            case "posts":
                self._say(
                    200, {"posts": [{"id": str(t.id), "text": t.text, "answers": str(t.answers)} for t in x.ours()]}
                )
            case "feed":
                with x.lock:
                    newest = sorted(x.tweets.items(), reverse=True)[:100]
                    self._say(200, {"posts": [_seen(tweet, x.users[tweet.author]) for _, tweet in newest]})
            case _:
                self._say(404, {"detail": "post, message, outage, posts or feed"})

    def _say(self, status: int, body: dict[str, Any], headers: Mapping[str, object] | None = None) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(raw)))
        for key, value in (headers or {}).items():
            self.send_header(key, str(value))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    x: X

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed hangs up in the middle."""


@contextmanager
def serving(x: X, port: int = 0) -> Iterator[str]:
    """The base URL while it runs."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.x = x
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        x.released.set()
        x.streams.cut()
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    with serving(X(streams=Streams(allowed=True)), int(sys.argv[1]) if len(sys.argv) > 1 else 0) as url:
        print(json.dumps({"SOCIAL_X_API_URL": url, **x_oauth.SETTINGS}), flush=True)
        threading.Event().wait()
