"""The desk's schema in PostgreSQL; each subject's `models.py` adds its tables."""

from shared.db import metadata
from shared.outbox import outbox_table

SCHEMA = "desk"
METADATA = metadata(SCHEMA)
OUTBOX = outbox_table(METADATA)
