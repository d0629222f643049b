"""When a subscription grants what: the past, the present and what is already agreed. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Span:
    """One subscription grants one plan version's features from ``start`` to ``end``, half open.

    ``end`` is None where nothing definite ends it: renewals are taken to succeed. ``anchor``,
    ``interval`` and ``zone`` say where its billing periods begin, for allowances per period.
    """

    subscription_id: str
    customer_id: str
    subject_id: str | None
    product_key: str
    plan_key: str
    plan_version_id: str
    quantity: int
    start: datetime
    end: datetime | None
    interval: str
    anchor: datetime
    zone: str
    cause: str


@dataclass(frozen=True, slots=True)
class Agreed:
    """What is agreed for later: another version (``following``), or the end.

    An end leads to the fallback plan, or to nothing.
    """

    at: datetime
    is_end: bool
    following: Span | None


def with_agreed(spans: Sequence[Span], agreed: Iterable[Agreed]) -> list[Span]:
    """Let what is agreed for later follow the last span, in time order; an end is the last word.

    At one instant an end comes before a change, as when that instant arrives.
    """
    result = list(spans)
    for each in sorted(agreed, key=lambda each: (each.at, not each.is_end)):
        if not result or result[-1].end is not None:
            break
        result[-1] = replace(result[-1], end=each.at)
        if each.following is not None:
            result.append(replace(each.following, start=each.at, end=None))
        if each.is_end:
            break
    return [each for each in result if each.end is None or each.start < each.end]
