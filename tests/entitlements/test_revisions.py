"""Revisions and their tokens: every change counts once, and later answers know of it."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from core import ids
from core.principals import Scope
from entitlements import tokens
from entitlements.models import CustomerRevision
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


def test_a_caller_of_one_customer_learns_nothing_from_tokens_of_others(world: World) -> None:
    ada, bob = world.customer("ada"), world.customer("bob")
    limited = world.token_for([Scope.ENTITLEMENTS_CHECK], customer_id=ada)

    def ask(customer: str, at_least: str, status: int) -> str | None:
        query = {"feature": "seats", "customer": customer, "at_least": at_least}
        path = "entitlements/check"
        return world.call("GET", path, status=status, query=query, token=limited).get("code")

    own, other, ahead = token_of(ada, 1, 1), token_of(bob, 1, 1), token_of(bob, 9, 9)
    assert ask(ada, own, 200) is None
    for token in (other, ahead):
        assert ask(ada, token, 400) == "revision_token_of_another_customer"
    for token in (own, other, ahead):
        for customer in (bob, "bob", "eve"):
            assert ask(customer, token, 404) == "customer_not_found"
    for token in (own[:-1], own.upper(), f"{own}=", f"rv2{own[3:]}", "rv1_" + "A" * 30_000):
        assert ask(ada, token, 400) == "malformed_revision_token"
    assert ask(ada, "rv1_" + "A" * 40_000, 400) == "malformed_parameter"


def test_a_token_of_several_customers_serves_each(world: World) -> None:
    ada, bob = world.customer("ada"), world.customer("bob")
    token = revisions.revision_token([ada, bob])
    for customer in (ada, bob):
        world.check("seats", customer=customer, at_least=token)


def test_a_command_counts_once_whatever_it_does(world: World) -> None:
    ada = world.customer()
    shop = world.zone(ada)
    subscription = world.subscription(shop)["id"]
    world.change(shop, "business")
    world.change(shop, "pro")  # agreed for later
    world.post(f"subscriptions/{subscription}/cancel")

    def revision() -> int:
        return int(world.get(f"customers/{ada}/entitlements/token")["revision"])

    before = revision()
    world.post(f"subscriptions/{subscription}/change", plan="business", timing="now", status=409)
    world.post(f"subscriptions/{subscription}/cancel")  # already agreed
    assert revision() == before
    zones = [{"key": f"{name}.example", "kind": "zone"} for name in "abc"]
    world.post(f"customers/{ada}/subjects/bulk", status=201, subjects=zones)
    assert revision() == before + 1
    world.delete(f"customers/{ada}/subjects/{shop}")  # ends it, and all that was agreed
    assert revision() == before + 2


def test_after_a_restore_the_new_epoch_is_newer_than_what_was_lost(world: World) -> None:
    ada = world.customer()
    lost = token_of(ada, 1, 9)
    world.get("entitlements/check", status=409, feature="seats", customer=ada, at_least=lost)
    call_command("after_restore", verbosity=0)
    world.check("seats", customer=ada, at_least=lost)
    assert world.get(f"customers/{ada}/entitlements/token")["epoch"] > 1


def epoch_and_revision(world: World, customer: str) -> tuple[int, int]:
    own = world.get(f"customers/{customer}/entitlements/token")
    return own["epoch"], own["revision"]


def test_no_epoch_is_used_twice_even_when_an_older_backup_follows(
    world: World, machine_time: Any
) -> None:
    ada = world.customer()
    assert epoch_and_revision(world, ada) == (1, 1)
    call_command("after_restore", verbosity=0)
    first = epoch_and_revision(world, ada)
    call_command("after_restore", verbosity=0)
    second = epoch_and_revision(world, ada)
    assert second == (first[0] + 1, 1)
    CustomerRevision.objects.update(epoch=1)  # what an older backup holds
    machine_time.passes(seconds=120)
    call_command("after_restore", verbosity=0)
    assert epoch_and_revision(world, ada) > second


def test_a_restored_customer_without_a_revision_begins_the_new_epoch_too(world: World) -> None:
    """What was lost may have given it one."""
    ada = world.customer()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM entitlements_customerrevision")
    assert epoch_and_revision(world, ada) == (1, 0)
    call_command("after_restore", verbosity=0)
    epoch, revision = epoch_and_revision(world, ada)
    assert (epoch > 1, revision) == (True, 1)
    world.check("seats", customer=ada, at_least=token_of(ada, 1, 9))
