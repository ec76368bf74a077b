"""Structured logs: JSON for machines, coloured lines for people. Bind ids; never log an address or
a text."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable

import structlog

from shared.kernel import ContactPoint, address_of, kind_of
from shared.terminal import printable

log: structlog.stdlib.BoundLogger = structlog.get_logger()
AGAIN = 60.0
"""Seconds before a warning or an error is said again. A disk that is full fails a thousand times a
second, and its log would be next."""
_KEPT = 1000
_VARIES = re.compile(r"[0-9a-f-]{8,}|\d+")
"""Ids, attempts, offsets, times: what differs between two lines that say the same."""


class Repeats(logging.Filter):
    """Lets a warning or an error through once in AGAIN seconds, with how often it was `repeated`
    meanwhile."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[str, tuple[float, int]] = {}
        """When each line was said, and how often it was kept back since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is said."""
        if record.levelno < logging.WARNING:
            return True
        fields, now = (record.msg if isinstance(record.msg, dict) else {"event": record.getMessage()}), self._clock()
        told = [value for name, value in sorted(fields.items()) if isinstance(value, str) and name != "timestamp"]
        cause = record.exc_info[1] if record.exc_info else fields.get("exc_info")
        key = _VARIES.sub("#", " ".join([record.name, *told, repr(cause)]))
        at, held = self._said.get(key, (-AGAIN, 0))
        if now - at < AGAIN:
            self._said[key] = at, held + 1
            return False
        if len(self._said) > _KEPT:
            self._said = {known: said for known, said in self._said.items() if now - said[0] < AGAIN}
        self._said[key] = now, 0
        if held and isinstance(record.msg, dict):
            record.msg["repeated"] = held
        elif held:
            record.msg, record.args = f"{record.getMessage()} (repeated {held} times)", ()
        return True


def _printable(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for name, value in event.items():
        if name in {"exception", "stack"}:
            event[name] = printable(str(value), lines=True).replace("\n", "\n  ")
        elif isinstance(value, str):
            event[name] = printable(value)
    return event


def configure(service: str, log_format: str = "json", level: str = "info") -> None:
    """Sends all logs, also those of libraries, through one pipeline to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    final: list[structlog.typing.Processor] = (
        [
            # Plain tracebacks: the pretty ones show local variables, which hold what customers
            # wrote, and take a second each.
            structlog.processors.format_exc_info,
            _printable,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
        if log_format == "console"
        else [structlog.processors.format_exc_info, _printable, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Repeats())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # No line of ours tells its thread, process or place in the code, and finding them out takes
    # half of a line's time.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - logging's own manual says so
    # Building aiokafka's debug records took a fifth of the router's time; access logs repeat the
    # metrics.
    for noisy, threshold in (
        ("aiokafka", logging.WARNING),
        (
            "aiokafka.conn",
            logging.ERROR,
        ),  # it warns of each password that goes to Kafka beside us, or within our own network
        ("faust", logging.WARNING),
        ("uvicorn.access", logging.WARNING),
        ("uvicorn.error", logging.WARNING),
        ("mail.log", logging.WARNING),
    ):
        logging.getLogger(noisy).setLevel(threshold)
    if log_format == "json":  # on a console, whoever shows several services says whose line it is
        structlog.contextvars.bind_contextvars(service=service)


def redacted(point: ContactPoint) -> str:
    """Returns a contact point in a form that can be distinguished in a log but not written to:
    `email:a…@example.org`."""
    address = address_of(point)
    local, at, domain = address.partition("@")
    return f"{kind_of(point)}:{local[:1]}…{at}{domain}" if at else f"{kind_of(point)}:…{address[-3:]}"
