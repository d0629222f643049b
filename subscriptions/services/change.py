"""Change a subscription's plan, version or interval, as the product's policy says."""

from dataclasses import dataclass, replace
from datetime import datetime

from core.errors import Conflict, Unprocessable
from core.transactions import command
from customers.turns import turn
from plans import queries as catalog
from plans.change_rules import AnchorRule, Decision, Proration, Timing
from plans.terms import Terms
from subscriptions import events
from subscriptions.agreement import Kind, changed, choose_interval, decide_change
from subscriptions.loading import Loaded
from subscriptions.models import Cause, ChangeStatus, PendingChange
from subscriptions.services import schedule
from subscriptions.services.results import (
    NotAvailableYet,
    Result,
    as_data,
    customer_of,
    differences,
    ids_of,
    load_one,
    sellable,
)
from subscriptions.writing import Move, write


class DifferentProduct(Unprocessable):
    """A subscription never moves to another product."""

    code = "different_product"


class NothingToChange(Conflict):
    """The subscription is what is asked for already, and nothing else is planned."""

    code = "nothing_to_change"


@dataclass(frozen=True, slots=True)
class Override:
    """What somebody with ``subscriptions:override`` decides instead of the policy."""

    timing: Timing | None = None
    anchor: AnchorRule | None = None
    proration: Proration | None = None
    version_id: str | None = None

    def on(self, decision: Decision) -> Decision:
        """Return the decision with these answers put in the place of the policy's."""
        given = {
            name: value
            for name in ("timing", "anchor", "proration")
            if (value := getattr(self, name)) is not None
        }
        return replace(decision, **given, rule="override") if given else decision


@command
def change(
    *,
    subscription_id: str,
    plan_id: str | None = None,
    interval: str | None = None,
    override: Override | None = None,
) -> Result:
    """Move a subscription to another plan or interval, now or at its period's end.

    Left out, plan and interval stay as they are, and so does the version unless the plan changes.

    :raises SubscriptionNotFound, AlreadyEnded, NothingToChange, DifferentProduct: as named
    :raises ContactSales, NotAvailableYet, IntervalNotSold: as named
    """
    with turn(customer_of(subscription_id)) as at:
        loaded = load_one(subscription_id)
        terms, chosen = target(loaded, plan_id, interval, override, at)
        if is_same(loaded, terms, chosen):
            raise NothingToChange("the subscription has this plan and interval already")
        return change_loaded(loaded, terms, chosen, at=at, override=override)


def change_loaded(
    loaded: Loaded, terms: Terms, interval: str, *, at: datetime, override: Override | None = None
) -> Result:
    """Change a subscription that was read under its customer's turn.

    :raises NotAvailableYet: if the policy asks for a date, which is not served yet
    """
    decision = decide_change(loaded.agreement, terms, interval)
    if override is not None:
        decision = override.on(decision)
    if decision.timing == Timing.DATE:
        raise NotAvailableYet(f"the rule {decision.rule} asks for a date", needs=["date"])
    if decision.timing == Timing.NOW:
        return _change_now(loaded, terms, interval, decision, at)
    return _change_later(loaded, terms, interval, decision, at)


def target(
    loaded: Loaded,
    plan_id: str | None,
    interval: str | None,
    override: Override | None,
    at: datetime,
) -> tuple[Terms, str]:
    """Return what a change leads to. Subscribers keep their version until the plan changes."""
    held = loaded.agreement
    version_id = override.version_id if override else None
    if version_id is None and plan_id in (None, held.terms.plan_id):
        version_id = held.terms.version_id
    if plan_id is not None and catalog.find_plan(plan_id).product_id != held.terms.product.id:
        raise DifferentProduct(f"that plan is not one of {held.terms.product.key}")
    terms = sellable(
        plan_id or held.terms.plan_id,
        at=at,
        customer_id=loaded.row.customer_id,
        override=override is not None or version_id == held.terms.version_id,
        version_id=version_id,
    )
    chosen = choose_interval(terms, currency=held.currency, wanted=interval, current=held.interval)
    return terms, chosen


def is_same(loaded: Loaded, terms: Terms, interval: str) -> bool:
    held = loaded.agreement
    return held.terms.version_id == terms.version_id and held.interval == interval


def _change_now(
    loaded: Loaded, terms: Terms, interval: str, decision: Decision, at: datetime
) -> Result:
    """An immediate change takes away what was agreed for later."""
    before = loaded.agreement
    following = changed(
        before,
        terms,
        interval=interval,
        anchor=decision.anchor,
        at=at,
        shared=loaded.row.customer.billing_anchor,
    )
    data = as_data(decision)
    write(
        [
            Move(
                loaded.row,
                before,
                following,
                at,
                events.CHANGED,
                Cause.CHANGED,
                decision=data,
                resolved=[(each, ChangeStatus.SUPERSEDED) for each in loaded.planned],
            )
        ]
    )
    return Result(
        loaded.row,
        changes=differences(before, following, loaded.planned, at=at),
        decision=data,
        replaced=ids_of(loaded.planned),
    )


def _change_later(
    loaded: Loaded, terms: Terms, interval: str, decision: Decision, at: datetime
) -> Result:
    """What follows the period is one thing: a new answer replaces a planned change and an end."""
    data = as_data(decision)
    return schedule.reschedule(
        loaded,
        at=at,
        off=loaded.planned,
        status=ChangeStatus.REPLACED,
        on=PendingChange(
            kind=Kind.PLAN,
            effective_at=loaded.agreement.period.end,
            plan_version_id=terms.version_id,
            interval=interval,
            decision=data,
        ),
        terms=terms,
    )
