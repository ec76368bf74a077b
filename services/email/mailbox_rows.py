"""Statements about mailboxes at IMAP servers. Each takes the session of a transaction that its
caller commits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.email.domain.imap import Cursor, progress_in, retry_after
from services.email.models import IMAP_DELAYED, IMAP_FOLDERS, IMAP_MAILBOXES, IMAP_TAKEN

_BOX, _FOLDER, _DELAYED, _TAKEN = IMAP_MAILBOXES.c, IMAP_FOLDERS.c, IMAP_DELAYED.c, IMAP_TAKEN.c


class Mailbox(NamedTuple):
    """A mailbox as it is configured, and what became of reading it."""

    id: str
    address: str
    host: str
    port: int
    security: str
    username: str
    sign_in: str
    secret: bytes
    secret_from: str
    folders: list[str]
    junk: str
    after: str
    move_to: str
    since: date | None
    enabled: bool
    added_at: datetime
    version: int
    state: str
    detail: str
    state_at: datetime

    @property
    def signed_in(self) -> bool:
        """Whether there is something to sign in with."""
        return bool(self.secret or self.secret_from)

    @property
    def progress(self) -> tuple[int, int] | None:
        """Mails that are taken, and all, while those are taken that waited."""
        return progress_in(self.detail) if self.state == "reading" else None


async def every(session: AsyncSession) -> list[Mailbox]:
    """Returns all mailboxes by address."""
    return [Mailbox(*row) for row in await session.execute(select(IMAP_MAILBOXES).order_by(_BOX.address))]


async def one(session: AsyncSession, identity: str) -> Mailbox | None:
    """Returns the mailbox with this id or address, locked."""
    same = (_BOX.id == identity) | (_BOX.address == identity.lower())
    row = (await session.execute(select(IMAP_MAILBOXES).where(same).with_for_update())).first()
    return Mailbox(*row) if row else None


async def add(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Adds a mailbox. Raises IntegrityError where its address is there."""
    await session.execute(insert(IMAP_MAILBOXES).values(**values))


async def change(session: AsyncSession, identity: str, values: Mapping[str, Any]) -> None:
    """Changes the configuration of a mailbox; whoever reads it begins anew."""
    await session.execute(update(IMAP_MAILBOXES).where(_BOX.id == identity).values(**values, version=_BOX.version + 1))


async def renew(session: AsyncSession, identity: str, before: bytes, sealed: bytes) -> None:
    """Replaces a sealed secret by the one that came of it, without that whoever reads the mailbox
    begins anew. One that was given or dropped meanwhile stays."""
    same = (_BOX.id == identity) & (_BOX.secret == before)
    await session.execute(update(IMAP_MAILBOXES).where(same).values(secret=sealed))


async def remove(session: AsyncSession, identity: str) -> None:
    """Removes a mailbox with all that is known of it. Its mails stay where they are."""
    await session.execute(delete(IMAP_MAILBOXES).where(_BOX.id == identity))


async def tell(session: AsyncSession, identity: str, state: str, detail: str) -> None:
    """Notes what becomes of reading a mailbox."""
    await session.execute(
        update(IMAP_MAILBOXES).where(_BOX.id == identity).values(state=state, detail=detail, state_at=func.now())
    )


async def cursor(session: AsyncSession, mailbox: str, folder: str) -> Cursor | None:
    """Returns how far a folder is taken."""
    known = select(_FOLDER.validity, _FOLDER.uid, _FOLDER.begun).where(
        _FOLDER.mailbox_id == mailbox, _FOLDER.folder == folder
    )
    row = (await session.execute(known)).first()
    return Cursor(*row) if row else None


async def begin(session: AsyncSession, mailbox: str, folder: str, new: Cursor) -> None:
    """Notes where a folder begins. What was delayed under another UIDVALIDITY is found anew."""
    values = {"validity": new.validity, "uid": new.uid, "begun": new.begun}
    statement = upsert(IMAP_FOLDERS).values(mailbox_id=mailbox, folder=folder, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["mailbox_id", "folder"], set_=values))
    await session.execute(
        delete(IMAP_DELAYED).where(
            _DELAYED.mailbox_id == mailbox, _DELAYED.folder == folder, _DELAYED.validity != new.validity
        )
    )


async def advance(session: AsyncSession, mailbox: str, folder: str, validity: int, uid: int) -> bool:
    """Moves a cursor forward; False where it is no longer where its reader left it: somebody else
    reads this mailbox, or it was removed."""
    moved = await session.execute(
        update(IMAP_FOLDERS)
        .where(
            _FOLDER.mailbox_id == mailbox,
            _FOLDER.folder == folder,
            _FOLDER.validity == validity,
            _FOLDER.uid < uid,
        )
        .values(uid=uid)
        .returning(_FOLDER.uid)
    )
    return moved.first() is not None


async def taken(session: AsyncSession, mailbox: str, digests: Collection[bytes]) -> set[bytes]:
    """Returns those of these contents that were published of this mailbox."""
    known = select(_TAKEN.digest).where(_TAKEN.mailbox_id == mailbox, _TAKEN.digest.in_(digests))
    return set(await session.scalars(known))


async def take(session: AsyncSession, mailbox: str, digests: Iterable[bytes]) -> None:
    """Notes mails that were published, or are there once more: each is known for as long again."""
    if values := [{"mailbox_id": mailbox, "digest": digest} for digest in sorted(set(digests))]:
        statement = upsert(IMAP_TAKEN).values(values)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["mailbox_id", "digest"], set_={"taken_on": func.current_date()}
            )
        )


async def forget_old(session: AsyncSession, days: int) -> None:
    """Forgets what was taken longer ago."""
    await session.execute(delete(IMAP_TAKEN).where(_TAKEN.taken_on < func.current_date() - days))


async def put_off(session: AsyncSession, mailbox: str, folder: str, validity: int, uid: int, reason: str) -> None:
    """Notes that a mail is to be tried again by itself, later each time."""
    key = {"mailbox_id": mailbox, "folder": folder, "validity": validity, "uid": uid}
    before = select(_DELAYED.attempts).where(*(_DELAYED[name] == value for name, value in key.items()))
    attempts = ((await session.execute(before.with_for_update())).scalar() or 0) + 1
    values = {"attempts": attempts, "due_at": func.now() + retry_after(attempts), "reason": reason[:500]}
    statement = upsert(IMAP_DELAYED).values(**key, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


async def settle(session: AsyncSession, mailbox: str, folder: str, validity: int, uid: int) -> None:
    """Forgets a mail that had been put off."""
    await session.execute(
        delete(IMAP_DELAYED).where(
            _DELAYED.mailbox_id == mailbox,
            _DELAYED.folder == folder,
            _DELAYED.validity == validity,
            _DELAYED.uid == uid,
        )
    )


async def due(session: AsyncSession, mailbox: str, folder: str, validity: int) -> list[int]:
    """Returns the UIDs of a folder that are to be tried again now."""
    found = select(_DELAYED.uid).where(
        _DELAYED.mailbox_id == mailbox,
        _DELAYED.folder == folder,
        _DELAYED.validity == validity,
        _DELAYED.due_at <= func.now(),
    )
    return list((await session.execute(found.order_by(_DELAYED.uid))).scalars())


async def delayed(session: AsyncSession, mailbox: str) -> Sequence[tuple[str, int, str]]:
    """Returns folder, UID and reason of the mails that were put off."""
    found = select(_DELAYED.folder, _DELAYED.uid, _DELAYED.reason).where(_DELAYED.mailbox_id == mailbox)
    return [(row.folder, row.uid, row.reason) for row in await session.execute(found.order_by(_DELAYED.due_at))]
