"""Where a reply goes: channel, contact point, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.customers import contacts
from services.desk.customers.schemas import ContactPointView
from services.desk.tickets import domain
from services.desk.tickets.models import MESSAGES
from services.desk.tickets.schemas import ChannelChoiceView, ReasonView
from shared.bus import View
from shared.errors import Rejected, Unavailable
from shared.events import Channel, DeliveryState
from shared.kernel import ContactPoint, address_of, email_point, kind_of

_OPTED_OUT, _OFF, _NOT_SUMMONED = "unavailable.opted-out", "unavailable.off", "unavailable.not-summoned"
_MOST_REFERENCES = 40
"""Relays refuse headers over 4,096 characters; the first and the newest are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where it goes."""

    channel: str
    to: ContactPoint
    to_name: str
    subject: str
    mailbox: str
    references: tuple[str, ...]
    conversation: str
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()


def as_of_now(
    choices: Sequence[ChannelChoiceView], channels: View[Channel], points: Sequence[ContactPointView]
) -> tuple[ChannelChoiceView, ...]:
    """Updates the router's choices to the present: since it decided, a customer may have said
    STOP, or START, and a channel may have been switched off or on. What is not wanted goes to
    the end."""
    refused = {point.point for point in points if point.opted_out}
    found = [_as_of_now(choice, channels.get(choice.channel), points, refused) for choice in choices]
    return tuple(sorted(found, key=lambda choice: any(reason.code == _OPTED_OUT for reason in choice.reasons)))


def _as_of_now(
    choice: ChannelChoiceView, channel: Channel | None, points: Sequence[ContactPointView], refused: set[str]
) -> ChannelChoiceView:
    reasons = tuple(reason for reason in choice.reasons if reason.code not in (_OPTED_OUT, _OFF))
    available = choice.available or len(reasons) < len(choice.reasons)
    to = choice.contact_point
    if to in refused and channel:
        to = next((p.point for p in points if p.kind in channel.reaches and p.point not in refused), to)
    values = {"channel": choice.channel}
    if to in refused:
        address = address_of(ContactPoint(str(to)))
        text = f"the customer opted out at {address}"
        closed = ReasonView(code=_OPTED_OUT, text=text, values={**values, "address": address})
        return replace(choice, contact_point=to, available=False, reasons=(*reasons, closed))
    if channel and not channel.enabled:
        text = f"{channel.label} is switched off" + (f": {channel.why_off}" if channel.why_off else "")
        closed = ReasonView(code=_OFF, text=text, values={**values, "why": channel.why_off})
        return replace(choice, available=False, reasons=(*reasons, closed))
    return replace(choice, contact_point=to, available=available, reasons=reasons)


async def choose(
    session: AsyncSession,
    channels: View[Channel],
    ticket: Any,
    channel: str,
    to: str,
    cc: Sequence[str] | None = None,
    bcc: Sequence[str] = (),
) -> Address:
    """Chooses where a reply goes; see `reply` for what is chosen if `channel` and `to` are
    empty, and for what is rejected."""
    inbound = select(
        MESSAGES.c.channel, MESSAGES.c.author, MESSAGES.c.author_name, MESSAGES.c.recipient, MESSAGES.c.conversation
    )
    newest = inbound.add_columns(MESSAGES.c.other_address, MESSAGES.c.doubt).where(
        MESSAGES.c.ticket_id == ticket.id, MESSAGES.c.direction == "in"
    )
    rows = (await session.execute(newest.order_by(MESSAGES.c.at.desc(), MESSAGES.c.id.desc()).limit(50))).all()
    own = [row for row in rows if not row.other_address]
    name = channel or (own or rows)[0].channel
    described = _usable(channels, name)
    for choice in ticket.channels:
        for reason in choice["reasons"] if choice["channel"] == name else ():
            if reason["code"] == _NOT_SUMMONED:
                raise Rejected(409, "not-summoned", f"{reason['text']}. Choose another channel.")
    here = [row for row in own if row.channel == name] or [row for row in rows if row.channel == name]
    points = await contacts.points_of(session, ticket.customer_id)
    asked = [choice.get("contact_point") for choice in ticket.channels if choice["channel"] == described.name]
    point = _to(described, to, [(row.author, row.doubt) for row in here], points, ticket.participants, asked)
    if await contacts.opted_out(session, point):
        raise Rejected(409, "opted-out", f"This customer opted out at {point}. Choose another channel.")
    answered = next((row for row in here if row.author == point), here[0] if here else None)
    references = select(MESSAGES.c.provider_id).where(
        MESSAGES.c.ticket_id == ticket.id, MESSAGES.c.channel == name, MESSAGES.c.provider_id != ""
    )
    ids = list(await session.scalars(references.order_by(MESSAGES.c.at, MESSAGES.c.id)))
    shown, hidden = await _copies(session, ticket.id, described, point, cc, bcc)
    name = await contacts.name_of(session, ticket.customer_id) if point in {p.point for p in points} else ""
    return Address(
        channel=described.name,
        to=ContactPoint(point),
        to_name=next((row.author_name for row in here if row.author == point and row.author_name), name),
        subject=ticket.subject,
        mailbox=answered.recipient if answered else "",
        references=tuple(ids if len(ids) <= _MOST_REFERENCES else [ids[0], *ids[1 - _MOST_REFERENCES :]]),
        conversation=answered.conversation if answered else "",
        cc=shown,
        bcc=hidden,
    )


async def _copies(
    session: AsyncSession, ticket: str, channel: Channel, to: str, cc: Sequence[str] | None, bcc: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    own = address_of(ContactPoint(to))
    hidden = tuple(address for address in domain.copies(bcc) if address != own)
    if cc is None:
        shown = await _others(session, ticket, channel, to)
    else:
        shown = tuple(address for address in domain.copies(cc) if address != own)
        for address in shown:
            await _willing(session, address)
    for address in hidden:
        await _willing(session, address)
    if (shown or hidden) and not domain.takes_copies(channel):
        raise Rejected(422, "copies", f"By {channel.label} a reply goes to one person. Remove Cc and Bcc.")
    if len(shown) + len(hidden) > domain.MOST_COPIES:
        raise Rejected(422, "copies-many", f"A reply has at most {domain.MOST_COPIES} addresses in Cc and Bcc.")
    return shown, tuple(address for address in hidden if address not in shown)


async def _willing(session: AsyncSession, address: str) -> None:
    if await contacts.opted_out(session, email_point(address)):
        raise Rejected(409, "copy-opted-out", f"{address} opted out. Remove it from Cc and Bcc.")


async def _others(session: AsyncSession, ticket: str, channel: Channel, to: str) -> tuple[str, ...]:
    if not domain.takes_copies(channel):
        return ()
    mails = select(MESSAGES).where(
        MESSAGES.c.ticket_id == ticket, MESSAGES.c.channel == channel.name, MESSAGES.c.direction != "note"
    )
    rows = await session.execute(
        mails.where(MESSAGES.c.automatic.not_in(domain.MACHINES), MESSAGES.c.delivery != DeliveryState.FAILED.value)
        .where(MESSAGES.c.doubt == "")
        .order_by(MESSAGES.c.at.desc(), MESSAGES.c.id.desc())
        .limit(1)
    )
    newest = rows.one_or_none()
    found = domain.others(domain.addressed_by(newest) if newest else None, address_of(ContactPoint(to)))
    return tuple([address for address in found if not await contacts.opted_out(session, email_point(address))])


def _usable(channels: View[Channel], name: str) -> Channel:
    channel = channels.get(name)
    if channel is None and not channels.ready.is_set():
        raise Unavailable("the desk has just started, and reads yet which channels there are")
    if channel is None:
        known = ", ".join(sorted(c.name for c in channels.values() if c.enabled)) or "none yet"
        raise Rejected(409, "channel-off", f"No channel {name!r} is running. Channels that are: {known}.")
    if not channel.enabled:
        raise Rejected(409, "channel-off", f"{channel.label} is off: {channel.why_off or 'its service says so'}.")
    if domain.is_spoken(channel):
        raise Rejected(
            409, "call-instead", f"You cannot write by {channel.label}. Press Call, or choose another channel."
        )
    return channel


def _to(
    channel: Channel,
    to: str,
    authors: list[tuple[str, str]],
    points: tuple[ContactPointView, ...],
    participants: list[str],
    asked: list[str | None],
) -> str:
    """Returns the contact point that a reply goes to. asked: where the customer asked to be
    answered there, proven or not, as the router read it from their own message."""
    known = sorted((p for p in points if p.kind in channel.reaches and not p.opted_out), key=lambda p: not p.verified)
    reachable = domain.reachable(authors, asked, [p.point for p in known])
    if not to:
        if not reachable:
            kinds = " or ".join(channel.reaches)
            raise Rejected(
                409,
                "unreachable",
                f"This customer has no address for {channel.label}. Add a contact point ({kinds}) first.",
            )
        refused = {p.point for p in points if p.opted_out}
        to = next((point for point in reachable if point not in refused), reachable[0])
    elif (
        to not in {*participants, *reachable, *(p.point for p in points)}
        or kind_of(ContactPoint(to)) not in channel.reaches
    ):
        raise Rejected(409, "unreachable", f"{to} is not a contact point of this ticket that {channel.label} reaches.")
    if to not in dict(authors) and not channel.can_start:
        raise Rejected(
            409,
            "unreachable",
            f"{channel.label} can only answer, and {to} did not write there. Choose another channel.",
        )
    return to
