"""Commands on subscriptions: one file per verb. The only code that writes them."""

from subscriptions.services.cancel import cancel, uncancel, unschedule
from subscriptions.services.change import change
from subscriptions.services.follow import FOLLOW_REFUSALS, follow_owners
from subscriptions.services.metadata import set_metadata
from subscriptions.services.put import put
from subscriptions.services.results import Result
from subscriptions.services.subscribe import subscribe

__all__ = [
    "FOLLOW_REFUSALS",
    "Result",
    "cancel",
    "change",
    "follow_owners",
    "put",
    "set_metadata",
    "subscribe",
    "uncancel",
    "unschedule",
]
