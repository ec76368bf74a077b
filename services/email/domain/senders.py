"""Who wrote a mail."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from services.email.domain.headers import Address, parse_addresses
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import Mail

_MACHINE = re.compile(
    r"(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|wordpress|www-data|apache|nobody|webmaster|mailer|(?:contact|web)?[-_.]?forms?|contact|notifications?)"
    r"(?:[+@]|[-_.][^@]*@)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sender:
    """The person, and what an agent should know of how we chose the address."""

    name: str
    address: str
    facts: dict[str, str]


def sender_of(mail: Mail, envelope_sender: str, mailboxes: Mailboxes) -> Sender:
    """From, except that Reply-To is taken for the person where From is plainly a machine's: an address of our own domain
    or a name such as `noreply` or `wordpress`. Contact forms send like that. A list's Reply-To is the list, so it is never taken.

    A Reply-To beside a person's own From is not taken as theirs: anybody can name anybody there, and the customer's
    history would be joined to a stranger's. The agent sees it as the fact `reply_to`.
    """
    headers = mail.headers
    authors = headers.addresses("from") or headers.addresses("sender")
    replies = [entry for entry in headers.addresses("reply-to") if not mailboxes.owns(entry.address)]
    author = authors[0] if authors else None
    is_list = "list-id" in headers or headers.text("precedence").lower() == "list"
    if replies and not is_list and (author is None or _is_machine(author, mailboxes)):
        chosen = replies[0]
        name = chosen.name or (author.name if author else "")
        return Sender(name, chosen.address, {"from": author.address} if author else {})
    if author:
        other = next((entry.address for entry in replies if entry.address != author.address), "")
        return Sender(author.name, author.address, {"reply_to": other} if other and not is_list else {})
    envelope = parse_addresses([envelope_sender])
    if envelope:
        return Sender("", envelope[0].address, {})
    # Nobody to answer, but a message all the same. A name of its own keeps it from joining other nameless senders.
    return Sender(
        headers.text("from")[:200],
        f"unknown-{hashlib.sha256(mail.body_sha256.encode()).hexdigest()[:12]}@nowhere.invalid",
        {},
    )


def _is_machine(author: Address, mailboxes: Mailboxes) -> bool:
    return mailboxes.at_our_domain(author.address) or _MACHINE.match(author.address) is not None
