"""Ends that are agreed, and taken back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.errors import Conflict
from plans.change_rules import Settlement
from plans.terms import Terms
from subscriptions import events
from subscriptions.agreement import Agreement
from subscriptions.given import fallback_of
from subscriptions.models import ChangeStatus
from subscriptions.planned import Kind, Planned
from subscriptions.policy import as_data, decide_fallback
from subscriptions.services.steps import Step

# What was paid beyond the end is kept.
_KEEPS_ALL: Mapping[str, Any] = {"settlement": str(Settlement.NONE)}


class AlreadyOnFallback(Conflict):
    """The subscription is on its product's fallback plan; that ends only with its owner."""

    code = "already_on_fallback"


def end_of(
    held: Agreement,
    *,
    customer_id: str,
    at: datetime,
    with_period: bool = False,
    how: Mapping[str, Any] = _KEEPS_ALL,
) -> Planned:
    """Return an end at an instant: to the fallback plan as it is sold then, or for good.

    :raises AlreadyOnFallback: if there is nothing to fall back to from here
    """
    _check_can_end(held)
    fallback = fallback_of(held.terms, at=at, customer_id=customer_id)
    return end_on(held, fallback, at=at, with_period=with_period, how=how)


def end_on(
    held: Agreement,
    fallback: Terms | None,
    *,
    at: datetime,
    with_period: bool = False,
    how: Mapping[str, Any] = _KEEPS_ALL,
) -> Planned:
    """Return an end at an instant: to a fallback plan that has been read or, without one, for good.

    :raises AlreadyOnFallback: if there is nothing to fall back to from here
    """
    _check_can_end(held)
    if fallback is None:
        return Planned("", Kind.END, at, with_period, decision=how)
    interval, decided = decide_fallback(held, fallback)
    decision = {**as_data(decided), **how}
    return Planned("", Kind.END, at, with_period, fallback, interval, decision=decision)


def _check_can_end(held: Agreement) -> None:
    if held.terms.plan_id == held.terms.product.fallback_plan_id:
        raise AlreadyOnFallback(f"{held.terms.plan_key} is what a cancellation leads to")


def drop_end(step: Step, status: ChangeStatus) -> None:
    """Take an end off the schedule. Where billing had ended before access, it goes on."""
    ends = [each for each in step.planned if each.kind in (Kind.END, Kind.BILLING_END)]
    if not ends:
        return
    step.drop(ends, status)
    begins_later = any(each.kind == Kind.BILLING_START for each in step.planned)
    if not step.after.is_billed and not begins_later:
        step.become(replace(step.after, is_billed=True), events.CHANGED)
