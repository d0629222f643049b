"""Who reacts to what. The whole flow between the apps fits on this page.

Projections run inside the publisher's transaction, in this order, many events at a time. Reactions
run after the commit, at least once. Due work is what time alone changes, in the order of work at
one instant. Pumps are the kinds of waiting work that the relay looks after.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from celery import Task

from billing import housekeeping
from changes import tasks as change_tasks
from changes import working as changes
from core import events, invariants, nudges, relay
from core import tasks as core_tasks
from core.api.describing import install_refusals
from core.api.operations import install_answer_parts
from customers import clocks, turns
from customers import events as customer_events
from customers import tasks as customer_tasks
from entitlements import due as entitlements_due
from entitlements import events as entitlement_events
from entitlements import override_services as overrides
from entitlements import queries as entitlement_queries
from entitlements import services as entitlements
from invoicing import due as invoicing_due
from invoicing import queries as invoicing_queries
from invoicing import services as invoicing
from provisioning import delivery
from provisioning import events as provisioning_events
from provisioning import queries as provisioning_queries
from provisioning import services as provisioning
from provisioning import tasks as provisioning_tasks
from subscriptions import due as subscriptions_due
from subscriptions import events as subscription_events
from subscriptions import services as subscriptions

_OWNERS = (
    customer_events.CUSTOMER_CREATED,
    customer_events.CUSTOMER_CLOSED,
    customer_events.SUBJECT_CREATED,
    customer_events.SUBJECT_ENDED,
)
_ENDS = (customer_events.CUSTOMER_CLOSED, customer_events.SUBJECT_ENDED)
_GRANTS = (
    *(each for each in subscription_events.EVENT_TYPES if each != subscription_events.RENEWED),
    customer_events.PAYMENT_METHOD_CHANGED,
    *entitlement_events.OVERRIDE_TYPES,
    *_ENDS,
)

# What is taken off the schedule may have kept the rest of a period from being charged.
_NOT_CHARGED = (subscription_events.SCHEDULED, *subscription_events.BLOCK_TYPES)
_CHARGED = tuple(each for each in subscription_events.EVENT_TYPES if each not in _NOT_CHARGED)


def _listen(handler: events.Handler, *types: events.EventType) -> events.Listener:
    return events.Listener(handler, frozenset(each.name for each in types))


def _soon(task: Task) -> Callable[[], Any]:
    return partial(task.apply_async, countdown=nudges.GATHER_SECONDS)


PROJECTIONS = (
    _listen(overrides.end_with_owners, *_ENDS),
    _listen(subscriptions.follow_owners, *_OWNERS),
    _listen(entitlements.sync, *_GRANTS),
    _listen(invoicing.follow, *_CHARGED),
    _listen(
        provisioning.plan_targets,
        entitlement_events.ENTITLEMENTS_CHANGED,
        customer_events.CUSTOMER_CLOSED,
        customer_events.SUBJECT_ENDED,
    ),
)
# With what those projections may refuse the operation whose event they follow.
REFUSALS = {
    each.name: subscriptions.FOLLOW_REFUSALS
    for each in (customer_events.CUSTOMER_CREATED, customer_events.SUBJECT_CREATED)
}
REACTIONS = (_listen(provisioning.replan_service, provisioning_events.SERVICE_CHANGED),)
DUE_WORK = (subscriptions_due, entitlements_due, invoicing_due)
WAKE = {
    "reactions": _soon(core_tasks.deliver_reactions),
    "due": _soon(customer_tasks.run_due),
    "clocks": _soon(customer_tasks.advance_clocks),
    "deliveries": _soon(provisioning_tasks.deliver),
    "changes": _soon(change_tasks.work),
}
PUMPS = (
    relay.Pump("due work", turns.run_due_live, idle_seconds=0.5),
    relay.Pump("test clocks", clocks.advance_clocks, idle_seconds=0.5),
    relay.Pump("reactions", events.deliver_pending, idle_seconds=0.5),
    relay.Pump("deliveries", delivery.work, idle_seconds=0.2),
    relay.Pump("change sets", changes.work, idle_seconds=0.5),
    relay.Pump("positions", events.stamp_positions, idle_seconds=0.5),
    relay.Pump("clean-up", housekeeping.clean_up, idle_seconds=3600),
)


def install() -> None:
    """Put everything in its place; called once, when Django starts."""
    from billing import checks

    events.install(projections=PROJECTIONS, reactions=REACTIONS)
    turns.install(DUE_WORK)
    nudges.install(WAKE)
    relay.install(PUMPS)
    invariants.install(checks.INVARIANTS)
    install_refusals(REFUSALS)
    subscriptions.install_first_charges(invoicing_queries.first_charges)
    install_answer_parts(
        revision=entitlement_queries.revision_token,
        provisioning=provisioning_queries.status_of,
    )
