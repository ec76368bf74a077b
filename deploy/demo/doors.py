"""Through the real doors: SMTP for mails, the dashboard's HTTP API and WebSocket, the telephone
network, X."""

from __future__ import annotations

import json
import smtplib
import time
from dataclasses import dataclass
from email.utils import localtime
from uuid import uuid4

import jwt
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from deploy.demo.cast import MAILBOX, Caller, Chat, Letter, Post, Text, mail
from deploy.demo.running import System, call
from deploy.local.problem import Problem


@dataclass(frozen=True, slots=True)
class Sent:
    """What to look for at the desk: the message's id, or else its author's contact point, its
    text's beginning, or both."""

    title: str
    author: str = ""
    text: str = ""
    id: str = ""


def send_mails(system: System, letters: tuple[Letter, ...]) -> list[Sent]:
    """Sends mails, with one SMTP session each, as from different people. Raises Problem."""
    ids: list[str] = []
    sent = []
    for letter in letters:
        message = mail(letter, () if letter.answers is None else (ids[letter.answers],))
        message["Date"] = localtime()
        ids.append(str(message["Message-ID"]))
        try:
            with smtplib.SMTP(*system.smtp, timeout=30) as smtp:
                smtp.send_message(message, letter.address, [MAILBOX])
        except (OSError, smtplib.SMTPException) as error:
            host, port = system.smtp
            raise Problem(
                f"the mail door at {host}:{port} did not take a mail ({error}): look at the services' log"
            ) from error
        sent.append(
            Sent(f"mail from {letter.name}: {letter.subject}", f"email:{letter.address}", letter.text.split("\n", 1)[0])
        )
    return sent


def send_chats(system: System, chats: tuple[Chat, ...]) -> list[Sent]:
    """Sends chats: signed where the author is signed in, else with a visitor's session. Raises
    Problem."""
    return [_chat_live(system, chat) if chat.live else _chat(system, chat) for chat in chats]


def _chat(system: System, chat: Chat) -> Sent:
    site = system.site
    if chat.claims:
        now = int(time.time())
        claims = {**chat.claims, "aud": site["site"], "iat": now, "exp": now + 600}
        token = jwt.encode(claims, site["secret"], algorithm="HS256", headers={"kid": site["kid"]})
    else:
        token = _visitor(system)
    headers = {"X-Site-Key": site["key"], "Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
    body = {"text": chat.text, "subject": chat.subject, "facts": dict(chat.facts)}
    answer = call(f"{system.dashboard}/api/v1/messages", body, headers)
    return Sent(f"message from {chat.claims.get('name', 'a visitor')}: {chat.subject}", id=str(answer["id"]))


def _chat_live(system: System, chat: Chat) -> Sent:
    """Sends a message over the WebSocket, as the chat in a page does."""
    address = system.dashboard.replace("http", "ws", 1) + "/api/v1/live"
    hello = {"type": "hello", "site": system.site["key"], "token": _visitor(system), "after": 0}
    try:
        with connect(address, open_timeout=30, close_timeout=5) as socket:
            socket.send(json.dumps(hello))
            socket.send(json.dumps({"type": "send", "id": str(uuid4()), "text": chat.text}))
            while json.loads(socket.recv(timeout=30)).get("type") not in ("ack", "error"):
                pass
    except (OSError, WebSocketException, TimeoutError) as error:
        raise Problem(f"the chat at {address} did not take a message ({error})") from error
    return Sent("live chat from a visitor", text=chat.text)


def _visitor(system: System) -> str:
    return str(call(f"{system.dashboard}/api/v1/sessions", {"site": system.site["key"]})["token"])


def send_texts(system: System, texts: tuple[Text, ...]) -> list[Sent]:
    """Sends texts by the practice exchange, as signed webhooks. Raises Problem."""
    for text in texts:
        answered = call(f"{system.exchange}/demo/text", {"from": text.number, "body": text.text})["answered"]
        if answered >= 300:
            raise Problem(f"the phone service answered a text message with {answered}")
    return [Sent(f"text from {text.number}", f"tel:{text.number}", text.text) for text in texts]


def make_calls(system: System, callers: tuple[Caller, ...]) -> list[Sent]:
    """Makes calls by the practice exchange. A person who is called back later answers. Raises
    Problem."""
    for caller in callers:
        person = {
            "presses": {words: list(keys) for words, keys in caller.presses.items()},
            "says": list(caller.says),
            "talks": caller.talks,
        }
        call(f"{system.exchange}/demo/person", {**person, "number": caller.number})
        call(f"{system.exchange}/demo/call", {**person, "from": caller.number})
    return [Sent(f"call from {caller.name}", f"tel:{caller.number}") for caller in callers]


def send_posts(system: System, posts: tuple[Post, ...]) -> list[Sent]:
    """Creates posts on the practice X; returns those that must become tickets, to look for.
    Raises Problem."""
    sent = []
    for post in posts:
        body = {"username": post.username, "name": post.name, "followers": post.followers, "text": post.text}
        call(f"{system.network}/control/post", body)
        if post.complaint:
            sent.append(Sent(f"post of @{post.username}", text=post.text))
    return sent
