"""Commands on change sets: one file per verb. The only code that writes them."""

from changes.services.applying import Expired, NotYet
from changes.services.creating import (
    Asked,
    ChangeSetNotFound,
    NothingSelected,
    Selector,
    TooManyForAllOrNothing,
    Whose,
    create,
    create_selected,
    undo,
)
from changes.services.deciding import apply, approve, discard, expire, pause, settle, stop
from changes.services.previewing import Stale, TooFarAhead
from changes.services.working import claim, work_on

__all__ = [
    "Asked",
    "ChangeSetNotFound",
    "Expired",
    "NotYet",
    "NothingSelected",
    "Selector",
    "Stale",
    "TooFarAhead",
    "TooManyForAllOrNothing",
    "Whose",
    "apply",
    "approve",
    "claim",
    "create",
    "create_selected",
    "discard",
    "expire",
    "pause",
    "settle",
    "stop",
    "undo",
    "work_on",
]
