"""How each mailbox sends: its name, signature, relay, DKIM key and pace. What the API and the
commands share, and what an attempt asks."""

from __future__ import annotations

import ipaddress
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.email.adapters.relay import Relay
from services.email.domain.dkim import Signer, usable
from services.email.domain.mailboxes import Mailboxes
from services.email.models import SENDERS
from services.email.ports import MailSender
from shared.db import Database
from shared.errors import Rejected, Unavailable
from shared.security.sealing import seal, unseal
from shared.settings import single

_PRINTED = r"^[^\x00-\x1f\x7f]*$"
_NAME = r"^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?)?$"
_KEY_FROM = re.compile(r"EMAIL_DKIM_[A-Z0-9_]{1,80}")


class Configured(BaseModel):
    """How a mailbox sends. What is empty is as for all."""

    model_config = ConfigDict(extra="forbid")

    from_name: str = Field(
        "", max_length=200, pattern=_PRINTED, description="Name in From; {agent} and {company} are filled in"
    )
    signature: str = Field(
        "", max_length=2_000, description="Below each mail, after `-- `; {agent} and {company} are filled in"
    )
    relay_host: str = Field("", max_length=253, pattern=_NAME, description="Its own relay; empty: as all mailboxes")
    relay_port: int = Field(587, ge=1, le=65535)
    relay_user: str = Field("", max_length=200, pattern=_PRINTED)
    relay_tls: Literal["starttls", "tls", "none"] = Field("starttls", description="`none` only on this machine")
    dkim_domain: str = Field("", max_length=253, pattern=_NAME, description="Signs for this domain; empty: no DKIM")
    dkim_selector: str = Field("", max_length=100, pattern=_NAME)
    dkim_key_from: str = Field(
        "", description="The variable that has the private key, named EMAIL_DKIM_…, instead of keeping it"
    )
    per_minute: int | None = Field(
        None, ge=0, le=100_000, description="Mails a minute; 0: no limit; none: EMAIL_PER_MAILBOX"
    )

    @field_validator("signature")
    @classmethod
    def _lines(cls, value: str) -> str:
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", value.replace("\r\n", "\n")):
            raise ValueError("a signature is lines of text")
        return value.strip("\r\n")

    @field_validator("dkim_key_from")
    @classmethod
    def _named_rightly(cls, value: str) -> str:
        if value and not _KEY_FROM.fullmatch(value):
            raise ValueError("name a variable that begins with EMAIL_DKIM_, in capitals")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Configured:
        if self.relay_host and self.relay_tls == "none" and not _here(self.relay_host):
            raise ValueError("relay_tls: without TLS everybody on the way reads the mail; use `starttls` or `tls`")
        if bool(self.dkim_domain) != bool(self.dkim_selector):
            raise ValueError("dkim_selector: name domain and selector, or neither")
        return self


class Given(Configured):
    """`relay_password`, `dkim_key` (RSA, PEM): kept encrypted; empty in a change: as before."""

    relay_password: SecretStr = Field(SecretStr(""), max_length=1000)
    dkim_key: SecretStr = Field(SecretStr(""), max_length=20_000)

    @field_validator("dkim_key")
    @classmethod
    def _readable(cls, value: SecretStr) -> SecretStr:
        return SecretStr(usable(value.get_secret_value())) if value.get_secret_value() else value


class Shown(Configured):
    """How a mailbox sends. Secrets are never shown; `keeps` names those that are there."""

    model_config = ConfigDict(extra="ignore")

    address: str
    keeps: list[str]
    changed_at: datetime


class Checked(BaseModel):
    """What a trial found; empty where mail can be sent."""

    problem: str = ""


@dataclass(frozen=True, slots=True)
class Sending:
    """How one mail leaves. `from_name`: empty where it is as for all."""

    mails: MailSender
    from_name: str = ""
    signature: str = ""
    signer: Signer | None = None
    per_minute: int | None = None


class Senders:
    """How all mailboxes send. `default`: where mail goes of those that say nothing else; `relay`:
    makes a sender of a relay's."""

    def __init__(
        self,
        database: Database,
        secret: str,
        ours: Mailboxes,
        default: MailSender,
        relay: Callable[[Relay], MailSender],
    ) -> None:
        self._database, self._secret, self._ours = database, secret, ours
        self.default, self._relay = default, relay
        self._relays = dict[Relay, MailSender]()

    async def every(self) -> list[Shown]:
        """Returns all that say something of their own, by address."""
        async with self._database.statements() as session:
            return [_shown(row) for row in await session.execute(select(SENDERS).order_by(SENDERS.c.address))]

    async def one(self, address: str) -> Shown:
        """Raises Rejected where this mailbox says nothing of its own."""
        async with self._database.statements() as session:
            return _shown(_there(await _row(session, address)))

    async def put(self, address: str, given: Given) -> Shown:
        """Says how a mailbox sends, in place of what was said. Raises Rejected."""
        address = address.strip().lower()
        if not self._ours.owns(address):
            raise Rejected(422, "not-our-address", f"{address[:200]} is none of EMAIL_MAILBOXES: name it there first.")
        async with self._database.transaction() as session:
            before = await _row(session, address)
            secrets = dict(before.secrets) if before else {}
            place = ("relay_host", "relay_port", "relay_user")
            if before and any(before.settings.get(name) != getattr(given, name) for name in place):
                secrets.pop("relay_password", None)  # it is not shown to another server
            for name in ("relay_password", "dkim_key"):
                if value := getattr(given, name).get_secret_value():
                    secrets[name] = b64encode(seal(self._secret, _purpose(name, address), value)).decode()
            if given.relay_host and given.relay_user and "relay_password" not in secrets:
                raise Rejected(422, "password-missing", "Give the relay's password: it is not sent to another server.")
            if not given.dkim_domain or given.dkim_key_from:
                secrets.pop("dkim_key", None)
            elif "dkim_key" not in secrets:
                raise Rejected(422, "key-missing", "Give a DKIM key, or name the variable that has it.")
            values = {"settings": given.model_dump(exclude={"relay_password", "dkim_key"}), "secrets": secrets}
            new = insert(SENDERS).values(address=address, **values)
            set_ = values | {"changed_at": func.now()}
            await session.execute(new.on_conflict_do_update(index_elements=["address"], set_=set_))
        return await self.one(address)

    async def remove(self, address: str) -> None:
        """Lets a mailbox send as all do. Raises Rejected."""
        async with self._database.transaction() as session:
            row = _there(await _row(session, address))
            await session.execute(delete(SENDERS).where(SENDERS.c.address == row.address))

    async def tried(self, address: str) -> Checked:
        """Connects to where this mailbox's mail goes, and reads its key."""
        try:
            async with self._database.statements() as session:
                how = await self.of(session, address.strip().lower())
        except Unavailable as error:
            return Checked(problem=str(error))
        return Checked(problem=await how.mails.check())

    async def of(self, session: AsyncSession, mailbox: str) -> Sending:
        """Returns how mail of this mailbox leaves. Raises Unavailable where a secret cannot be
        read: what is waiting leaves once an operator gave it anew."""
        row = await _row(session, mailbox)
        if row is None:
            return Sending(self.default)
        try:
            said = Configured.model_validate(row.settings)
        except ValidationError as error:  # of another version of ours
            raise Unavailable(
                f"{row.address}: say anew how it sends ({error.error_count()} settings do not fit)"
            ) from error
        mails, signer = self.default, None
        if said.relay_host:
            password = self._opened(row, "relay_password") if said.relay_user else ""
            relay = Relay(said.relay_host, said.relay_port, said.relay_user, password, said.relay_tls)
            mails = self._relays.get(relay) or self._relays.setdefault(relay, self._relay(relay))
        if said.dkim_domain:
            key = _from_variable(said.dkim_key_from) if said.dkim_key_from else self._opened(row, "dkim_key")
            signer = Signer(said.dkim_domain, said.dkim_selector, key)
        return Sending(mails, said.from_name, said.signature, signer, said.per_minute)

    async def close(self) -> None:
        """Closes what is kept open."""
        for mails in (self.default, *self._relays.values()):
            await mails.close()

    def _opened(self, row: Any, name: str) -> str:
        sealed = b64decode(row.secrets.get(name, ""))
        if (value := unseal(self._secret, _purpose(name, row.address), sealed)) is None:
            raise Unavailable(f"{row.address}: give {name} again, SWITCHBOARD_SECRET was changed")
        return value


async def _row(session: AsyncSession, address: str) -> Any:
    return (await session.execute(select(SENDERS).where(SENDERS.c.address == address.strip().lower()))).first()


def _there(row: Any) -> Any:
    if row is None:
        raise Rejected(404, "no-such-sender", "This mailbox says nothing of its own: it sends as all do.")
    return row


def _shown(row: Any) -> Shown:
    settings: Mapping[str, Any] = row.settings
    return Shown(**settings, address=row.address, keeps=sorted(row.secrets), changed_at=row.changed_at)


def _from_variable(name: str) -> str:
    """Returns the key in a variable: lines, or one with backslash and n between."""
    try:
        return usable(single(name).replace("\\n", "\n"))
    except ValueError as error:
        raise Unavailable(f"the variable {name} has no DKIM key: {error}") from error


def _purpose(name: str, address: str) -> str:
    return f"sender {name} {address}"


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
