"""Mailboxes at IMAP servers are added, changed, tried and removed: what the API and the commands
share."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from sqlalchemy.exc import IntegrityError

from services.email import mailbox_rows as rows
from services.email.adapters.imap import Credentials, ImapConnection, ImapTrouble, Thread
from services.email.domain.imap import JUNK_AUTO, After, junk_folder
from services.email.domain.mailboxes import Mailboxes
from services.email.mailbox_rows import Mailbox
from services.email.signing_in import SECRET_FROM, SignIn, sealed, server_of
from shared.db import Database
from shared.errors import Rejected

_TRIAL = 40.0
"""Seconds until a trial gives up: who started it waits for it."""
_COUNTED = 100
_LONGEST = 65_536
"""Bytes of the longest literal that a trial takes: a folder's name may come as one."""
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,45}")
_PRINTED = r"^[^\x00-\x1f\x7f]*$"


def _inbox(name: str) -> str:
    """Writes INBOX, the one name that servers read in any case (RFC 9051, 5.1), as they do."""
    return "INBOX" if name.upper() == "INBOX" else name


Name = Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTED), AfterValidator(_inbox)]


class Configured(BaseModel):
    """How a mailbox is read."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field(max_length=200, description="The mailbox's address; one of EMAIL_MAILBOXES")
    host: str = Field(max_length=253, description="Its IMAP server")
    port: int = Field(993, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = Field("tls", description="`none` only for a server on this machine")
    username: str = Field(
        "",
        max_length=200,
        pattern=_PRINTED,
        description="Empty: the address. Of a shared mailbox at Microsoft: its address",
    )
    sign_in: Literal["password", "google", "microsoft"] = "password"
    secret_from: str = Field(
        "", description="The variable that has the password, named EMAIL_IMAP_…, instead of keeping it"
    )
    folders: list[Name] = Field(
        default=["INBOX"], min_length=1, max_length=50, description="The first is watched all the time"
    )
    junk: Name = Field(JUNK_AUTO, description="The junk folder, `auto` to find it, `off` to leave it alone")
    after: After = Field(After.LEAVE, description="What becomes of a mail in its folder once we have it")
    move_to: Annotated[str, AfterValidator(_inbox)] = Field(
        "", max_length=200, pattern=_PRINTED, description="The folder that it is moved to"
    )
    since: date | None = Field(None, description="Take mails from this day on; empty: those that come from now on")
    enabled: bool = True

    @field_validator("address")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.strip().lower()

    @field_validator("secret_from")
    @classmethod
    def _named_rightly(cls, value: str) -> str:
        if value and not SECRET_FROM.fullmatch(value):
            raise ValueError("name a variable that begins with EMAIL_IMAP_, in capitals")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Configured:
        if not _HOST.fullmatch(self.host):
            raise ValueError("host: write the name or address of a server, without a scheme or port")
        if self.sign_in != "password" and self.secret_from:
            raise ValueError("secret_from: Google and Microsoft are signed in to, without a password")
        if self.security == "none" and not _here(self.host):
            raise ValueError(
                "security: without TLS everybody on the way can read the password; use `tls` or `starttls`"
            )
        if (self.after is After.MOVE) != bool(self.move_to):
            raise ValueError("move_to: name the folder where after is `move`, and none otherwise")
        if self.move_to in self.folders:
            raise ValueError("move_to: a folder that is read cannot be the one that mails are moved to")
        return self


class Given(Configured):
    """`password`: kept encrypted; empty in a change: as before."""

    password: SecretStr = Field(SecretStr(""), max_length=1000)

    @field_validator("password")
    @classmethod
    def _one_line(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(_PRINTED, value.get_secret_value()):
            raise ValueError("a password is one line without control characters")
        return value


class Shown(Configured):
    """A mailbox and what becomes of it. Secrets are never shown."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)

    id: str
    added_at: datetime
    state: str = Field(description="`ok`, `reading`, `late`, `new`, or why it is not read, such as `refused`")
    detail: str
    state_at: datetime
    signed_in: bool = Field(description="Whether a password or token is there to sign in with")
    progress: tuple[int, int] | None = Field(description="While `reading`: mails that are taken, and all that waited")


class Tried(BaseModel):
    """What a trial found. `problem`: empty where the mailbox can be read."""

    problem: str = ""
    trouble: str = ""
    folders: list[str] = []
    counts: dict[str, int] = Field({}, description="Mails by folder, of the first hundred folders that tell")
    missing: list[str] = []
    junk: str = ""
    tells: bool = False
    """The server tells of new mail by itself (IDLE)."""


class ImapMailboxes:
    """All mailboxes at IMAP servers. `ours`: the addresses that answers leave from."""

    def __init__(self, database: Database, secret: str, ours: Mailboxes, sign_in: SignIn, ca: Path | None) -> None:
        self._database, self._secret, self._ours, self._ca = database, secret, ours, ca
        self.sign_in = sign_in
        self.changed = asyncio.Event()
        """Set when something was changed here, so that the reader need not look."""

    async def every(self) -> list[Mailbox]:
        """Returns all mailboxes by address."""
        async with self._database.transaction() as session:
            return await rows.every(session)

    async def one(self, identity: str) -> Mailbox:
        """Returns a mailbox by its id or address. Raises Rejected."""
        async with self._database.transaction() as session:
            return _there(await rows.one(session, identity))

    async def add(self, given: Given) -> Mailbox:
        """Raises Rejected where it cannot be added."""
        self._check(given)
        identity = str(uuid4())
        try:
            async with self._database.transaction() as session:
                await rows.add(session, {"id": identity, **self._values(identity, given)})
        except IntegrityError as error:
            raise Rejected(
                409, "there-already", f"{given.address} is there already: change it, or remove it first."
            ) from error
        self.changed.set()
        return await self.one(identity)

    async def change(self, identity: str, given: Given) -> Mailbox:
        """Replaces how a mailbox is read; how far it is read stays. Raises Rejected."""
        self._check(given)
        async with self._database.transaction() as session:
            before = _there(await rows.one(session, identity))
            if before.address != given.address:
                raise Rejected(422, "another-address", "The address cannot be changed: add the other one as a mailbox.")
            values = self._values(before.id, given)
            place = before.host, before.username, before.sign_in
            if place != (given.host, values["username"], given.sign_in):
                if given.sign_in == "password" and "secret" not in values:
                    raise Rejected(
                        422, "password-missing", "Give the password again: it is not sent to another server."
                    )
                values.setdefault("secret", b"")
            await rows.change(session, before.id, values)
        self.changed.set()
        return await self.one(before.id)

    async def remove(self, identity: str) -> None:
        """Forgets a mailbox. Its mails stay at its server. Raises Rejected."""
        async with self._database.transaction() as session:
            await rows.remove(session, _there(await rows.one(session, identity)).id)
        self.changed.set()

    async def tried(self, identity: str) -> Tried:
        """Signs in and looks, changing nothing. Raises Rejected where there is no such mailbox."""
        mailbox = await self.one(identity)
        connection = ImapConnection(server_of(mailbox, self._ca), _LONGEST)
        thread = Thread("imap trial")
        try:
            credentials = await self.sign_in(mailbox)
            async with asyncio.timeout(_TRIAL):
                return await thread.call(_try, connection, credentials, mailbox)
        except ImapTrouble as error:
            return Tried(problem=str(error), trouble=error.trouble)
        except TimeoutError:
            return Tried(problem=f"the server took longer than {_TRIAL:.0f} s", trouble="unreachable")
        finally:
            connection.abort()
            thread.end(connection.close)

    def _check(self, given: Configured) -> None:
        if not self._ours.owns(given.address):
            raise Rejected(
                422,
                "not-our-address",
                f"{given.address} is none of EMAIL_MAILBOXES: name it there first, so that answers leave from it.",
            )

    def _values(self, identity: str, given: Given) -> dict[str, Any]:
        values = given.model_dump(exclude={"password"})
        values["username"] = given.username or given.address
        password = given.password.get_secret_value()
        if password:
            values["secret"] = sealed(self._secret, identity, password)
        elif given.secret_from:
            values["secret"] = b""
        return values


def _try(connection: ImapConnection, credentials: Credentials, mailbox: Mailbox) -> Tried:
    connection.open(credentials)
    listed = connection.folders()
    names = [name for _, _, name in listed]
    wanted = [*mailbox.folders, *filter(None, [mailbox.move_to])]
    missing = [name for name in wanted if name not in {*names, "INBOX"}]
    for name in mailbox.folders:
        if name not in missing:
            connection.select(name, change=False)
    found = Tried(
        folders=names,
        counts=connection.counts(names[:_COUNTED]),
        missing=missing,
        junk=junk_folder(listed, mailbox.junk),
        tells=connection.idles(),
    )
    connection.close()
    if missing:
        found.problem, found.trouble = f"there is no folder {', '.join(missing)}", "no-folder"
    return found


def _there(mailbox: Mailbox | None) -> Mailbox:
    if mailbox is None:
        raise Rejected(404, "no-such-mailbox", "There is no such mailbox.")
    return mailbox


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
