"""Who wrote a mail."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from services.email.domain.headers import Address, Headers, parse_addresses
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import Mail

_MACHINE = re.compile(
    r"(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|wordpress|www-data|apache|nobody|webmaster|mailer|(?:contact|web)?[-_.]?forms?|contact|notifications?)"
    r"(?:[+@]|[-_.][^@]*@)",
    re.IGNORECASE,
)
_VIA = re.compile(r"\s(?:via|através de|durch|par)\s.*$", re.IGNORECASE)
"""What a list puts behind the person's name, as in `'Kim Doe' via Support`."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The person, and what an agent should know of how we chose the address."""

    name: str
    address: str
    facts: dict[str, str]


def sender_of(mail: Mail, envelope_sender: str | None, mailboxes: Mailboxes) -> Sender:
    """Returns the sender: From, except that Reply-To is taken for the person where From is plainly
    a machine's: an address of our own domain or a name such as `noreply` or `wordpress`. Contact
    forms send like that. A list's Reply-To is the list, so it is only taken where the list has put
    itself into the writer's From.

    A Reply-To beside a person's own From is not taken as theirs: anybody can name anybody there,
    and the customer's history would be joined to a stranger's. The agent sees it as the fact
    `reply_to`.
    """
    headers = mail.headers
    authors = headers.addresses("from") or headers.addresses("sender")
    replies = [entry for entry in headers.addresses("reply-to") if not mailboxes.owns(entry.address)]
    author = authors[0] if authors else None
    is_list = from_a_list(headers)
    if author and is_list and (person := _behind_a_list(headers, author, mailboxes)):
        return Sender(person.name or _VIA.sub("", author.name).strip("'\" "), person.address, {"from": author.address})
    if replies and not is_list and (author is None or _is_machine(author, mailboxes)):
        chosen = replies[0]
        name = chosen.name or (author.name if author else "")
        return Sender(name, chosen.address, {"from": author.address} if author else {})
    if author:
        other = next((entry.address for entry in replies if entry.address != author.address), "")
        return Sender(author.name, author.address, {"reply_to": other} if other and not is_list else {})
    envelope = parse_addresses([envelope_sender or ""])
    if envelope:
        return Sender("", envelope[0].address, {})
    # Nobody to answer, but a message all the same. A name of its own keeps it from joining other
    # nameless senders.
    return Sender(
        headers.text("from")[:200],
        f"unknown-{hashlib.sha256(mail.body_sha256.encode()).hexdigest()[:12]}@nowhere.invalid",
        {},
    )


def from_a_list(headers: Headers) -> bool:
    """Whether a mailing list or group sent it on."""
    return "list-id" in headers or "mailing-list" in headers or headers.text("precedence").lower() == "list"


def is_our_list(headers: Headers, mailboxes: Mailboxes) -> bool:
    """Whether that list is a mailbox of ours, as where a group hands our mail on to us: then it
    says nothing about the writer."""
    named = headers.addresses("from", "sender", "list-post", "mailing-list")
    list_id = headers.text("list-id").rpartition("<")[2].strip("> ")
    return any(mailboxes.owns(entry.address) for entry in named) or any(
        list_id == address.replace("@", ".") for address in mailboxes.addresses
    )


def _behind_a_list(headers: Headers, author: Address, mailboxes: Mailboxes) -> Address | None:
    """Returns the person whom a list replaced by itself in From, because mail in another's name
    fails DMARC: Google's groups keep them in X-Original-From, Mailman in Reply-To beside or
    instead of the list."""
    if not (_VIA.search(author.name) or mailboxes.owns(author.address) or "x-original-from" in headers):
        return None
    lists = {author.address, *(entry.address for entry in headers.addresses("list-post", "to", "mailing-list"))}
    people = [one for name in ("x-original-from", "x-original-sender", "reply-to") for one in headers.addresses(name)]
    return next((one for one in people if one.address not in lists and not mailboxes.owns(one.address)), None)


def _is_machine(author: Address, mailboxes: Mailboxes) -> bool:
    return mailboxes.at_our_domain(author.address) or _MACHINE.match(author.address) is not None
