"""What becomes of records that were set aside."""

from datetime import datetime

from shared.events.base import Event


class DeadLetterReplayed(Event, frozen=True, kw_only=True):
    """On `dead-letters-replayed`: a record went back to its topic."""

    letter: int
    """Its offset in `dead-letters`."""
    topic: str
    """Where it went."""
    at: datetime
    by: str = ""
    """Who did: an agent's e-mail address, `api:<token>`, or `command line`."""


class UnreadableMail(Event, frozen=True, kw_only=True):
    """A mail that could not be read when it came; on `mails-replayed`, that it is to be read
    again."""

    raw_uri: str
    """Where the storage has it."""
    sender: str | None
    """As the envelope says; None where that is not known, empty for a returned mail."""
    recipients: tuple[str, ...]
    received_at: datetime
    client: str = ""
    """The address of the stranger's server that handed it to us, where the sender is ours to
    check."""
    helo: str = ""
    """What that server called itself."""
    by_others: bool = False
    """A host of mailboxes or a mail provider took it in for us."""
    junk: bool = False
    """It lay in a junk folder."""
    cut: bool = False
    """Only its beginning could be taken."""
    imported: str = ""
    """The import that set it aside; empty for a mail that came in by itself."""
    sent: bool = False
    """It lay in an archive among the mails that we wrote."""
