"""A mailbox at an IMAP server, as an archive: looked at, and left as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.email.adapters.archives import Folder, Piece
from services.email.adapters.imap import Credentials, ImapConnection, ImapTrouble, MailTrouble, Server
from services.email.domain.archives import kind_of_folder
from shared.errors import Rejected, Unavailable


@dataclass(slots=True)
class ImapArchive:
    """All folders of a mailbox, or some of them. `largest`: bytes of a mail that is handed out."""

    server: Server
    credentials: Credentials
    largest: int
    wanted: tuple[str, ...] = ()
    _connection: ImapConnection | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        return f"imap {self.credentials.user} at {self.server.host}"

    def folders(self) -> list[Folder]:
        found = []
        for flags, _, name in self._reached().folders():
            if not self.wanted or name in self.wanted:
                validity = self._reached().select(name, change=False).validity
                size = len(self._reached().search([("ALL",)]))
                every = any(flag.lower() == rb"\all" for flag in flags)
                found.append((every, Folder(name, kind_of_folder(name, flags), size, f"uidvalidity {validity}")))
        if missing := set(self.wanted) - {folder.name for _, folder in found}:
            raise Rejected(404, "no-such-folder", f"There is no folder {', '.join(sorted(missing))}.")
        return [folder for _, folder in sorted(found, key=lambda one: one[0])]  # Gmail's has what the others have

    def pieces(self, folder: Folder, after: str) -> Iterator[Piece]:
        connection = self._reached()
        connection.select(folder.name, change=False)
        uids = sorted(set(connection.search([("ALL",)])))
        drafts, deleted = (set(connection.search([(flag,)])) for flag in ("DRAFT", "DELETED"))
        for number, uid in enumerate(uids, 1):
            if uid > int(after or 0):
                marks = "D" * (uid in drafts) + "T" * (uid in deleted)
                where = f"{folder.name}: UID {uid}"
                try:
                    raw = connection.fetch(uid)
                    why = "" if raw is not None else "it is there no more"
                except MailTrouble as error:
                    raw, why = None, str(error)
                if raw is not None and len(raw) >= self.largest:
                    raw, why = None, f"larger than {self.largest:,} bytes"
                yield Piece(where, str(uid), number, raw, len(raw or b""), (), marks, why)

    def close(self) -> None:
        """Leaves the server."""
        if self._connection is not None:
            self._connection.close()

    def _reached(self) -> ImapConnection:
        if self._connection is None:
            connection = ImapConnection(self.server, self.largest)
            connection.open(self.credentials)
            self._connection = connection
        return self._connection


def told(error: ImapTrouble) -> Unavailable:
    """Returns what is said where a server cannot be read."""
    return Unavailable(f"the mailbox cannot be read ({error.trouble}): {error}")
