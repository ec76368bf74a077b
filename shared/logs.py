"""Structured logs: JSON for machines, coloured lines for people. Bind ids; never log an address or a text."""

from __future__ import annotations

import logging
import sys

import structlog

from shared.kernel import ContactPoint, address_of, kind_of

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def configure(service: str, log_format: str = "json", level: str = "info") -> None:
    """Send everything, also what libraries log, through one pipe to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    final: list[structlog.typing.Processor] = (
        [
            # Plain tracebacks: the pretty ones show local variables, which hold what customers wrote, and take a second each.
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
        if log_format == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # Building aiokafka's debug records took a fifth of the router's time; access logs repeat the metrics.
    for noisy, threshold in (
        ("aiokafka", logging.WARNING),
        ("faust", logging.WARNING),
        ("uvicorn.access", logging.WARNING),
        ("uvicorn.error", logging.WARNING),
        ("mail.log", logging.WARNING),
    ):
        logging.getLogger(noisy).setLevel(threshold)
    if log_format == "json":  # on a console, whoever shows several services says whose line it is
        structlog.contextvars.bind_contextvars(service=service)


def redacted(point: ContactPoint) -> str:
    """A contact point that can be told apart in a log but not written to: `email:a…@example.org`."""
    address = address_of(point)
    local, at, domain = address.partition("@")
    return f"{kind_of(point)}:{local[:1]}…{at}{domain}" if at else f"{kind_of(point)}:…{address[-3:]}"
