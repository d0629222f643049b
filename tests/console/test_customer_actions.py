"""What staff do from a customer's page: services run, refusals are told, nobody else gets in."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from console.customer_page.actions import ACTIONS
from core import clock
from core.models import AuditEntry, Event
from core.transactions import unit_of_work
from customers import turns
from customers.models import Customer
from provisioning.models import Target
from subscriptions.models import ChangeStatus, PendingChange, Subscription
from tests.console.conftest import page_of
from tests.world import World


def do(client: Client, customer: str, action: str, row: str, **form: str) -> Any:
    path = f"/admin/customers/customer/{customer}/do/"
    return client.post(path, {"action": action, "row": row, **form})


def told(answer: Any) -> str:
    assert answer.status_code == 302
    return str(list(get_messages(answer.wsgi_request))[-1])


@pytest.fixture
def subscription(world: World, ada: str) -> Subscription:
    """The zone shop.example, on Pro."""
    zone = Customer.objects.get(pk=ada).subjects.get()
    world.change(zone.id, "pro")
    return Subscription.objects.get(subject=zone)


def test_cancel_at_the_end_of_the_period_and_take_it_back(
    ada: str, subscription: Subscription, support: Client
) -> None:
    answer = do(support, ada, "cancel_at_period_end", subscription.id, reason="ticket 12")
    assert told(answer) == "The subscription ends with its period."
    assert answer["Location"] == f"{page_of(ada)}#{subscription.id}"
    pending = PendingChange.objects.pending().get()
    assert (pending.kind, pending.effective_at) == ("end", subscription.period_end)
    event = Event.objects.get(type="subscription.scheduled")
    staff = support.session["_auth_user_id"]
    assert (event.actor, event.reason) == (f"staff:{staff}", "ticket 12")
    assert b"Take the cancellation back" in support.get(page_of(ada)).content

    assert told(do(support, ada, "uncancel", subscription.id)) == "The cancellation was taken back."
    assert not PendingChange.objects.pending().exists()


def test_cancel_now_needs_a_reason_and_keeps_it(
    ada: str, subscription: Subscription, support: Client
) -> None:
    assert told(do(support, ada, "cancel_now", subscription.id, reason="")) == (
        "Nothing was done: say why in the field Reason"
    )
    subscription.refresh_from_db()
    assert subscription.plan_version.plan.key == "pro"

    done = do(support, ada, "cancel_now", subscription.id, reason="fraud")
    assert told(done) == "The subscription was canceled."
    subscription = Subscription.objects.get(pk=subscription.pk)
    assert subscription.plan_version.plan.key == "free"
    entries = AuditEntry.objects.filter(table_name="subscriptions_subscription")
    assert entries.order_by("-id").values_list("reason", flat=True)[0] == "fraud"


def test_a_planned_change_is_taken_back(
    world: World, ada: str, subscription: Subscription, support: Client
) -> None:
    world.change(str(subscription.subject_id), "free")
    change = PendingChange.objects.pending().get()
    answer = do(support, ada, "take_back", change.id)
    assert told(answer) == "The planned change was taken back."
    change.refresh_from_db()
    assert change.status == ChangeStatus.CANCELED


def given_up() -> Target:
    target = Target.objects.get(service__key="edge")
    now = clock.system_now()
    unit_of_work(
        lambda: Target.objects.filter(pk=target.pk).update(
            next_attempt_at=None, dead_lettered_at=now, problem="answer_422", refusals=3
        )
    )
    return target


@pytest.mark.parametrize("action", ["resync", "retry_dead_letters"])
def test_what_was_given_up_is_sent_again(ada: str, support: Client, action: str) -> None:
    target = given_up()
    assert b"This customer has 1 dead letter:" in support.get(page_of(ada)).content
    row = target.id if action == "resync" else ada
    assert "sent again" in told(do(support, ada, action, row))
    target.refresh_from_db()
    assert target.dead_lettered_at is None
    assert target.next_attempt_at is not None


@pytest.mark.parametrize("action", ["retry", "unpark"])
def test_a_parked_customer_goes_on(ada: str, support: Client, action: str) -> None:
    turns.park(customer_id=ada, error=ValueError("broken"))
    assert "due work" in told(do(support, ada, action, ada))
    assert Customer.objects.get(pk=ada).parked_at is None


def test_refusals_are_told_and_change_nothing(
    world: World, ada: str, subscription: Subscription, support: Client
) -> None:
    other = world.customer("bob")
    refusals = {
        ("uncancel", subscription.id): "Nothing was done: no end is planned",
        ("cancel_now", Subscription.objects.get(customer=other).id): "the customer has nothing by",
        ("resync", "tgt_01jd0000000000000000000000"): "the customer has nothing by",
        ("resync", "nonsense"): "expected an identifier that begins with tgt_",
        ("resync", "\x00"): "expected an identifier that begins with tgt_",
        ("unpark", other): "the customer has nothing by that identifier",
    }
    before = Event.objects.count()
    for (action, row), refusal in refusals.items():
        assert refusal in told(do(support, ada, action, row, reason="because"))
    turns.park(customer_id=ada, error=ValueError("broken"))
    refused = told(do(support, ada, "cancel_at_period_end", subscription.id))
    assert refused.startswith("Nothing was done: this customer's due work failed")
    assert Event.objects.count() == before


def test_one_subject_shown_alone_stays_alone(
    ada: str, subscription: Subscription, support: Client
) -> None:
    zone = str(subscription.subject_id)
    path = f"/admin/customers/customer/{ada}/do/?subject={zone}"
    form = {"action": "cancel_at_period_end", "row": subscription.id}
    answer = support.post(path, form)
    assert answer["Location"] == f"{page_of(ada)}?subject={zone}#{subscription.id}"


@pytest.mark.parametrize("action", ACTIONS)
def test_those_who_may_only_look_see_no_button_and_are_refused(
    ada: str, subscription: Subscription, finance: Client, action: str
) -> None:
    given_up()
    turns.park(customer_id=ada, error=ValueError("broken"))
    shown = finance.get(page_of(ada))
    assert shown.status_code == 200
    assert f'value="{action}"'.encode() not in shown.content
    before = AuditEntry.objects.count()
    assert do(finance, ada, action, subscription.id, reason="x").status_code == 403
    assert AuditEntry.objects.count() == before


def test_nobody_acts_without_login_form_token_or_post(
    ada: str, subscription: Subscription, support: Client
) -> None:
    path = f"/admin/customers/customer/{ada}/do/"
    form = {"action": "cancel_now", "row": subscription.id, "reason": "x"}
    assert Client().post(path, form)["Location"] == f"/admin/login/?next={path}"
    assert support.get(path).status_code == 405
    checked = Client(enforce_csrf_checks=True)
    checked.cookies = support.cookies
    assert checked.post(path, form).status_code == 403
    assert do(support, ada, "delete_everything", subscription.id).status_code == 404
    assert Subscription.objects.get(pk=subscription.pk).plan_version.plan.key == "pro"


def test_no_field_of_a_customer_can_be_edited(ada: str, support: Client) -> None:
    shown = support.post(page_of(ada), {"key": "other", "parked_at_0": "2026-01-01"})
    assert shown.status_code == 200
    assert Customer.objects.get(pk=ada).key == "ada"
