"""Commands on subscriptions: one file per verb. The only code that writes them."""

from subscriptions.services.anchor import move_anchor, move_zone
from subscriptions.services.blocks import lift_block, place_block
from subscriptions.services.cancel import cancel, uncancel, unschedule
from subscriptions.services.change import change
from subscriptions.services.follow import FOLLOW_REFUSALS, follow_owners
from subscriptions.services.importing import import_all, import_each, install_first_charges
from subscriptions.services.metadata import set_metadata
from subscriptions.services.overdue import report_failure, report_recovery
from subscriptions.services.pause import pause, resume
from subscriptions.services.put import put
from subscriptions.services.restore import restore
from subscriptions.services.results import Result
from subscriptions.services.subscribe import subscribe
from subscriptions.services.together import together
from subscriptions.services.trials import move_trial
from subscriptions.services.wanted import Beginning, Order, Override, Wanted

__all__ = [
    "FOLLOW_REFUSALS",
    "Beginning",
    "Order",
    "Override",
    "Result",
    "Wanted",
    "cancel",
    "change",
    "follow_owners",
    "import_all",
    "import_each",
    "install_first_charges",
    "lift_block",
    "move_anchor",
    "move_trial",
    "move_zone",
    "pause",
    "place_block",
    "put",
    "report_failure",
    "report_recovery",
    "restore",
    "resume",
    "set_metadata",
    "subscribe",
    "together",
    "uncancel",
    "unschedule",
]
