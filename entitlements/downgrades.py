"""What becomes of a limit that falls below what is in use, by the feature's policy. Pure.

How much is in use is not known to the platform yet, so a change set asks only what would happen.
``docs/explanation/entitlements.md`` has the rules in words.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.periods import Anchor, Interval, boundary
from plans.terms import Downgrade, DowngradePolicy
from plans.values import Comparison, Unlimited, compare

# A change that was agreed happens when it is due, because money follows it: what the policy would
# have refused is kept for so many days instead.
KEPT_DAYS_WHERE_REFUSED = 30

Limit = Decimal | Unlimited
NOTHING = Decimal(0)


class Happens(StrEnum):
    FITS = "fits"
    REFUSED = "refused"
    KEPT = "kept"
    TRIMMED = "trimmed"
    GRANDFATHERED = "grandfathered"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fall:
    """A limit that becomes another one. ``used`` is how much of it is in use, None: not known."""

    before: Limit
    after: Limit
    used: Decimal | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """``value`` is the limit right after the fall, ``after`` the one that follows it.

    What is KEPT is kept for ``days``, what is GRANDFATHERED until less is used. Of UNKNOWN use
    nothing is kept; ``would`` is what would happen to whoever uses more than ``after``, and
    ``days`` for how long.
    """

    happens: Happens
    value: Limit
    after: Limit
    days: int | None = None
    would: Happens | None = None

    def kept_until(self, at: datetime, *, zone: str) -> datetime | None:
        """Return when ``after`` follows a fall at an instant: calendar days later, at the same wall
        time. None: no date says when."""
        if self.happens != Happens.KEPT or self.days is None:
            return None
        return boundary(Anchor(at, zone), Interval("day", self.days), 1)

    def with_use(self, used: Decimal) -> "Outcome":
        """Return what is left when so much is in use: what is grandfathered sinks with use down to
        the new limit, and never rises again."""
        if self.happens != Happens.GRANDFATHERED:
            return self
        return replace(self, value=_highest(self.after, _lowest(self.value, used)))


def asked(policy: Downgrade, fall: Fall) -> Outcome:
    """Return what a request to change is met with: REFUSED leaves everything as it was."""
    found = arrived(policy, fall)
    if policy.policy != DowngradePolicy.REFUSE:
        return found
    if found.happens == Happens.KEPT:
        return Outcome(Happens.REFUSED, fall.before, fall.after)
    return replace(found, would=found.would and Happens.REFUSED, days=None)


def arrived(policy: Downgrade, fall: Fall) -> Outcome:
    """Return what a change does that takes effect, whatever was known when it was agreed."""
    if compare(fall.before, fall.after) != Comparison.LESS:
        return Outcome(Happens.FITS, fall.after, fall.after)
    if fall.used is None:
        one_more = arrived(policy, replace(fall, used=_one_more(fall.after)))
        return Outcome(
            Happens.UNKNOWN, fall.after, fall.after, days=one_more.days, would=one_more.happens
        )
    if compare(fall.used, fall.after) != Comparison.LESS:
        return Outcome(Happens.FITS, fall.after, fall.after)
    return _over(policy, _lowest(fall.before, fall.used), fall.after)


def _over(policy: Downgrade, used: Limit, after: Limit) -> Outcome:
    """``used`` is no more than the limit was."""
    match policy.policy:
        case DowngradePolicy.TRIM:
            return Outcome(Happens.TRIMMED, after, after)
        case DowngradePolicy.GRANDFATHER:
            return Outcome(Happens.GRANDFATHERED, used, after)
        case DowngradePolicy.KEEP_UNTIL:
            return Outcome(Happens.KEPT, used, after, days=policy.days)
        case _:
            return Outcome(Happens.KEPT, used, after, days=KEPT_DAYS_WHERE_REFUSED)


def _one_more(limit: Limit) -> Decimal:
    """A limit below another one has an end."""
    if isinstance(limit, Unlimited):
        raise ValueError("nothing is more than unlimited")
    return limit + 1


def _lowest(one: Limit, other: Limit) -> Limit:
    return one if compare(one, other) in (Comparison.MORE, Comparison.SAME) else other


def _highest(one: Limit, other: Limit) -> Limit:
    return other if compare(one, other) == Comparison.MORE else one
