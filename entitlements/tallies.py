"""What use of a feature counts in: a level, a window's counter, or the last so long. Pure."""

from datetime import datetime

from entitlements import answers
from entitlements.timelines import Standing
from plans.resets import ResetKind
from plans.terms import FeatureTerms, FedBy, Scope
from plans.values import FeatureType
from usage.counting import BEGINNING, Kind, Owner, Tally


def is_counted(feature: FeatureTerms) -> bool:
    """Tell whether the platform counts how much is used: limits, and what is consumed here."""
    if feature.type == FeatureType.METERED:
        return feature.fed_by == FedBy.CONSUME
    return feature.type == FeatureType.LIMIT


def tally_of(
    feature: FeatureTerms,
    standing: Standing,
    *,
    customer_id: str,
    subject_id: str | None,
    at: datetime,
) -> Tally | None:
    """Return what use of a feature counts in at an instant; None: in nothing that is known here.

    A customer's feature is the customer's, whichever of its subjects is named. A metered feature
    that is not given now has no window, so nothing says what would count.
    """
    if not is_counted(feature):
        return None
    owner = Owner(customer_id, subject_id if feature.scope == Scope.SUBJECT else None)
    if feature.type == FeatureType.LIMIT:
        return Tally(owner, Kind.LEVEL, feature.key, at)
    window = answers.window_of(standing, at)
    if window is None:
        return None
    kind = Kind.SLIDING if window.reset == ResetKind.SLIDING else Kind.WINDOW
    return Tally(owner, kind, feature.meter or "", at, window.start or BEGINNING)
