"""What staff can do from a customer's page. Each calls one service and needs one permission."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db.models import Model

from core.acting import ReasonRequired, current
from core.errors import NotFound
from customers import turns
from customers.models import Customer
from provisioning import services as provisioning
from provisioning.models import Target
from subscriptions import services as subscriptions
from subscriptions.models import PendingChange, Subscription
from subscriptions.services.cancel import When

MOST_AT_ONCE = 500


class RowNotFound(NotFound):
    """The customer has nothing by that identifier."""

    code = "row_not_found"


@dataclass(frozen=True, slots=True)
class Action:
    """``run`` takes the identifier of a row of ``model``, which belongs to the page's customer."""

    model: type[Model]
    run: Callable[[str], object]
    done: str

    @property
    def permission(self) -> str:
        options = self.model._meta
        return f"{options.app_label}.change_{options.model_name}"


def cancel_now(subscription_id: str) -> None:
    """:raises ReasonRequired: it takes away what was paid for, so the log must say why"""
    if not current().reason:
        raise ReasonRequired("say why in the field Reason")
    subscriptions.cancel(subscription_id=subscription_id, when=When.NOW)


def take_back(change_id: str) -> None:
    change = PendingChange.objects.get(pk=change_id)
    subscriptions.unschedule(subscription_id=change.subscription_id, change_id=change_id)


def retry_dead_letters(customer_id: str) -> None:
    """Send a customer's dead letters again, 500 at most."""
    dead = Target.objects.dead().filter(customer_id=customer_id).order_by("id")
    for target_id in list(dead.values_list("id", flat=True)[:MOST_AT_ONCE]):
        provisioning.resync(target_id=target_id)


ACTIONS: Mapping[str, Action] = {
    "cancel_at_period_end": Action(
        Subscription,
        lambda row: subscriptions.cancel(subscription_id=row),
        "The subscription ends with its period.",
    ),
    "cancel_now": Action(Subscription, cancel_now, "The subscription was canceled."),
    "uncancel": Action(
        Subscription,
        lambda row: subscriptions.uncancel(subscription_id=row),
        "The cancellation was taken back.",
    ),
    "take_back": Action(PendingChange, take_back, "The planned change was taken back."),
    "resync": Action(
        Target,
        lambda row: provisioning.resync(target_id=row),
        "The newest document will be sent again.",
    ),
    "retry_dead_letters": Action(
        Customer, retry_dead_letters, "The dead letters will be sent again."
    ),
    "retry": Action(Customer, lambda row: turns.retry(customer_id=row), "The due work was done."),
    "unpark": Action(
        Customer,
        lambda row: turns.unpark(customer_id=row),
        "The customer is no longer parked; the due work follows.",
    ),
}


def run(action: Action, *, customer_id: str, row_id: str) -> None:
    """Do it to one row of the customer's.

    :raises RowNotFound: if the row is not the customer's
    :raises DomainError: whatever the service refuses
    """
    owner = "pk" if action.model is Customer else "customer_id"
    rows = action.model._default_manager.filter(pk=row_id).filter(**{owner: customer_id})
    if not rows.exists():
        raise RowNotFound("the customer has nothing by that identifier")
    action.run(row_id)
