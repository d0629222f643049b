"""Revisions and their tokens: every change counts once, and later answers know of it."""

import pytest
from django.core.management import call_command

from core import ids
from entitlements import tokens
from entitlements.queries import revisions
from entitlements.tokens import Revision
from tests.world import World


def token_of(customer: str, epoch: int, number: int) -> str:
    revision = {ids.decode(customer, prefix="cus"): Revision(epoch, number)}
    return tokens.token(revision, revisions._key())


def test_the_token_of_a_change_is_the_customers_token(world: World) -> None:
    ada = world.customer()
    shop = world.zone(ada)
    changed = world.change(shop, "pro")
    own = world.get(f"customers/{ada}/entitlements/token")
    assert own == {"customer": ada, "epoch": 1, "revision": 3, "token": changed["revision"]}
    answer = world.check("rules", subject=shop, at_least=changed["revision"])
    assert (answer["value"], answer["revision"]) == ("20", 3)


def test_every_change_of_what_is_given_counts_once_and_renewals_do_not(world: World) -> None:
    ada = world.customer()
    shop = world.zone(ada)

    def revision() -> int:
        return int(world.get(f"customers/{ada}/entitlements/token")["revision"])

    assert revision() == 2  # what the customer and the zone began with
    world.change(shop, "pro")
    assert revision() == 3
    world.change(shop, "free")  # agreed for later: the future changes
    assert revision() == 4
    subscription = world.subscription(shop)
    world.delete(f"subscriptions/{subscription['id']}/schedule/{subscription['pending'][0]['id']}")
    assert revision() == 5
    world.call(
        "PATCH", f"subscriptions/{subscription['id']}", status=200, body={"metadata": {"a": "b"}}
    )
    world.advance_to("2025-04-30")  # three renewals
    assert revision() == 5
    world.change(shop, "free")
    world.advance_to("2025-05-31")  # the agreed change happens: it was known before
    assert revision() == 6
    assert world.check("rules", subject=shop)["value"] == "5"


@pytest.mark.parametrize(
    ("epoch", "number", "status"), [(1, 0, 200), (1, 2, 200), (1, 3, 409), (2, 0, 409)]
)
def test_an_answer_is_at_least_as_new_as_the_token_or_none(
    world: World, epoch: int, number: int, status: int
) -> None:
    ada = world.customer()
    world.zone(ada)  # revision 2
    token = token_of(ada, epoch, number)
    answer = world.get(
        "entitlements/check", status=status, feature="seats", customer=ada, at_least=token
    )
    assert answer.get("code") == (None if status == 200 else "revision_unknown")


def test_another_customers_token_is_refused_and_a_missing_customer_comes_first(
    world: World,
) -> None:
    ada, bob = world.customer("ada"), world.customer("bob")
    token = token_of(ada, 1, 1)
    of_other = world.get(
        "entitlements/check", status=400, feature="seats", customer=bob, at_least=token
    )
    missing = world.get(
        "entitlements/check", status=404, feature="seats", customer="eve", at_least=token
    )
    assert of_other["code"] == "revision_token_of_another_customer"
    assert missing["code"] == "customer_not_found"


def test_a_token_of_several_customers_serves_each(world: World) -> None:
    ada, bob = world.customer("ada"), world.customer("bob")
    token = revisions.revision_token([ada, bob])
    for customer in (ada, bob):
        world.check("seats", customer=customer, at_least=token)


def test_after_a_restore_the_new_epoch_is_newer_than_what_was_lost(world: World) -> None:
    ada = world.customer()
    lost = token_of(ada, 1, 9)
    world.get("entitlements/check", status=409, feature="seats", customer=ada, at_least=lost)
    call_command("after_restore", verbosity=0)
    world.check("seats", customer=ada, at_least=lost)
    assert world.get(f"customers/{ada}/entitlements/token")["epoch"] == 2
