"""What a delivery's row says beside `DeliveryState`, which goes out in reports: two words before
there is any outcome."""

from shared.events import DeliveryState

WAITING, SENDING = "waiting", "sending"
UNDER_WAY = (WAITING, SENDING)
OPEN = (SENDING, DeliveryState.UNCERTAIN.value)
"""What an attempt may still correct: another process may have given it up for lost in the
meantime."""
