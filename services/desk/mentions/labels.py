"""What agents say of a post that is a ticket already: the social service learns from it."""

from __future__ import annotations

from sqlalchemy import select, update

from services.desk.actors import Actor, Permission
from services.desk.context import Desk
from services.desk.cursors import as_uuid
from services.desk.mentions import service as mentions
from services.desk.mentions.domain import known
from services.desk.tickets.models import MESSAGES
from services.desk.tickets.repository import message_view
from services.desk.tickets.schemas import MessageView
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events.desk import PostLabelled


async def judge(desk: Desk, message: str, label: str, *, actor: Actor) -> MessageView:
    """Keeps what an agent says of a public post (`complaint`, `question`, `other`), and tell the
    social service with the commit. The same again does nothing. Rejected 403, 404, 422; 409
    `not-a-post` for what is not public."""
    actor.require(Permission.LABEL)
    own, label = as_uuid(message, "message"), known(label)
    async with desk.unit_of_work() as work:
        row = (await work.session.execute(select(MESSAGES).where(MESSAGES.c.id == own))).one_or_none()
        if row is None:
            raise Rejected(404, "no-such-message", "Message not found.")
        if row.direction != "in" or not row.public:
            raise Rejected(409, "not-a-post", "Only public posts are judged: the social service learns from them.")
        await work.lock(tickets={row.ticket_id})
        row = (await work.session.execute(select(MESSAGES).where(MESSAGES.c.id == own).with_for_update())).one()
        if row.label == label:
            return message_view(row)
        changed = update(MESSAGES).where(MESSAGES.c.id == own).values(label=label, label_by=actor.stored)
        stored = (await work.session.execute(changed.returning(MESSAGES))).one()
        mentions.publish_label(work, row.channel, row.provider_id, actor, label=label)
        labelled = PostLabelled(message_id=own, label=label, before=row.label)
        work.record(labelled, row.ticket_id, utc_now(), actor)
    return message_view(stored)
