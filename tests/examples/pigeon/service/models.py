"""Tables of the schema `pigeon`: the delivery ledger and the outbox."""

from shared.db import metadata
from shared.delivery import deliveries_table
from shared.outbox import outbox_table

SCHEMA = "pigeon"
METADATA = metadata(SCHEMA)
DELIVERIES = deliveries_table(METADATA)
OUTBOX = outbox_table(METADATA)
