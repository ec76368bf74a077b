"""Files are looked at for viruses before anybody can open them."""

from __future__ import annotations

from collections.abc import Sequence

from services.email.adapters.clamd import Clamd
from services.email.domain.files import File
from services.email.ports import Scanner, TooLarge
from services.email.settings import EmailSettings
from shared.errors import Unavailable
from shared.logs import log
from shared.metrics import METRICS

_LONGEST = 1_000
"""Characters of a fact."""


class Scanning:
    """Withholds infected files. `wait`: while the scanner is away mails wait at their sender;
    otherwise they go on, and say that they were not looked at."""

    def __init__(self, scanner: Scanner, *, wait: bool) -> None:
        self._scanner, self._wait = scanner, wait

    async def sort(self, files: Sequence[File]) -> tuple[list[File], dict[str, str]]:
        """Returns the files that may be stored, and facts for agents: `infected` with what was
        found, `unscanned`. Raises Unavailable where the mail has to wait."""
        kept, infected, unscanned, away = list[File](), list[str](), list[str](), False
        for file in files:
            try:
                found = "" if away else await self._scanner.scan(file.data)
                result = "infected" if found else "unscanned" if away else "clean"
            except (TooLarge, Unavailable) as error:
                away = isinstance(error, Unavailable)
                if away and self._wait:
                    raise
                log.warning(
                    "a file was not looked at for viruses", size=len(file.data), error=str(error) or "too large"
                )
                found, result = "", "unscanned"
            METRICS.files_scanned.labels(result=result).inc()
            if found:
                infected.append(f"{file.name} ({found})")
                continue
            kept.append(file)
            if result == "unscanned":
                unscanned.append(file.name)
        told = {"infected": ", ".join(infected)[:_LONGEST], "unscanned": ", ".join(unscanned)[:_LONGEST]}
        return kept, {name: value for name, value in told.items() if value}


def scanning(settings: EmailSettings) -> Scanning | None:
    """Returns what scans files; None where no scanner is set."""
    return Scanning(Clamd(settings.clamd), wait=settings.unscanned == "wait") if settings.clamd else None
