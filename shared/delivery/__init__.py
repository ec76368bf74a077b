"""The delivery kit: from the desk's request to the customer, each at most once, in order within a
ticket, each with reports.

Three steps with a commit between: claimed as `sending`; sent; recorded together with its report.
What is cut short in between stays `sending`, and the provider is asked about it where it can be.
README.md says how a channel uses it.
"""

from shared.delivery.commands import print_counts
from shared.delivery.deliverer import Deliverer, DeliveryPolicy
from shared.delivery.ledger import Attempt, Ledger, count, report
from shared.delivery.sender import Finding, NotSent, Sender, SendResult, Sent, Unknown
from shared.delivery.states import SENDING, UNDER_WAY, WAITING
from shared.delivery.table import deliveries_table

__all__ = [
    "SENDING",
    "UNDER_WAY",
    "WAITING",
    "Attempt",
    "Deliverer",
    "DeliveryPolicy",
    "Finding",
    "Ledger",
    "NotSent",
    "SendResult",
    "Sender",
    "Sent",
    "Unknown",
    "count",
    "deliveries_table",
    "print_counts",
    "report",
]
