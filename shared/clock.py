"""The one place where the wall clock is read. Decisions get the time as an argument."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)
