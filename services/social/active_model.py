"""Holds the model in use: the shipped one, or the newest and better one made from corrections."""

from __future__ import annotations

from pathlib import Path

from services.social import repository
from services.social.domain.complaints import Model, load
from shared.db import Database
from shared.errors import Misconfigured
from shared.logs import log

_SHIPPED = Path(__file__).parent / "data" / "model.bin"


def shipped() -> Model:
    """Loads the model of this folder. Raises Misconfigured."""
    try:
        return load(_SHIPPED.read_bytes())
    except (OSError, ValueError) as error:
        raise Misconfigured(
            f"{_SHIPPED.name}: {error}; make it again with `python -m services social train`"
        ) from error


class ActiveModel:
    """Holds the model; `version` 0 is the shipped one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.model, self.version = shipped(), 0

    async def refresh(self) -> None:
        """Loads what is active now. Raises Unavailable."""
        async with self._database.transaction() as session:
            version = await repository.active_version(session)
            row = await repository.trained(session, version) if version != self.version and version else None
        if version == self.version:
            return
        try:
            self.model = load(row.content) if row else shipped()
        except ValueError as error:
            log.error("a trained model cannot be read; the shipped one works on", version=version, error=str(error))
            self.model = shipped()
        self.version = version
        log.info("model in use", version=version)
