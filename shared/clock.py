"""The one place where the wall clock is read. Decisions get the time as an argument."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Returns the current time in UTC, timezone-aware."""
    return datetime.now(UTC)
