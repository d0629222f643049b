"""What is paused or past due in another system is so here, as if it had become so here."""

from typing import Any

import pytest

from core.principals import Scope
from subscriptions.models import Block
from tests.scenarios.club import PRICES, Club, pending, period, short
from tests.scenarios.imports import charged, import_, imported, usd
from tests.world import World

pytestmark = pytest.mark.prices(PRICES)


def item(club: Club, plan: str, through: str, **more: Any) -> dict[str, Any]:
    """A club of Ada's, counted from the 10th, or from another day with ``started_at``."""
    return {
        "external_id": "old-1",
        "customer": "ada",
        "subject": club.id,
        "plan": plan,
        "interval": "month",
        "started_at": "2025-01-10T00:00:00Z",
        "billed_through": f"{through}T00:00:00Z",
        **more,
    }


def paused(club: Club, plan: str, through: str, since: str, **more: Any) -> dict[str, Any]:
    return item(club, plan, through, state="paused", paused_since=f"{since}T00:00:00Z", **more)


# Basic is 31.00 a month: in January a dollar a day.
FROM_THE_1ST = {"started_at": "2025-01-01T00:00:00Z"}


def test_a_pause_that_extends_moves_the_end_by_all_of_it(world: World) -> None:
    """Gold is 62.00, billed until 10 February and paused there 10 days into the period. It is
    imported after 10 days of the pause, and goes on after 30."""
    club = Club(world, "2026-01-30")
    told = imported(world, paused(club, "club_gold", "2026-02-10", "2026-01-20"))
    assert (told["state"], period(told)) == ("paused", ("2026-01-10", "2026-02-10"))
    assert told["first_charge"] is None
    now = club.now()
    assert (now["pause_mode"], short(now["paused_since"])) == ("extend", "2026-01-20")
    assert (now["pending"], now["extended_seconds"]) == ([], 0)
    assert club.value() == "100"  # Gold goes on giving access
    assert club.told() == ["created", "imported"]
    assert [(each["cause"], each["state"], short(each["starts_at"])) for each in club.timeline()][
        -2:
    ] == [("imported", "active", "2026-01-10"), ("paused", "paused", "2026-01-20")]

    # the period's end passes, and nothing renews
    world.advance_to("2026-02-19")
    assert club.now()["state"] == "paused"
    resumed = club.do("resume")["resource"]
    assert (resumed["state"], period(resumed)) == ("active", ("2026-01-10", "2026-03-12"))
    assert resumed["extended_seconds"] == 30 * 86_400
    world.advance_to("2026-04-09")
    assert charged(world, "ada") == [
        "2026-01-30 advance 62.00 (there)",
        "2026-03-12 advance 62.00",
        "2026-04-09 advance 62.00",
    ]


def test_a_pause_with_a_credit_gives_nothing_back_here(world: World) -> None:
    """Billed for January, Basic is paused there on the 11th: 21.00 were given back there. On the
    21st it goes on here, and costs 11.00 until 1 February."""
    club = Club(world, "2026-01-15")
    told = imported(world, paused(club, "club_basic", "2026-02-01", "2026-01-11", **FROM_THE_1ST))
    assert (told["state"], told["first_charge"]) == ("paused", None)
    assert club.now()["pause_mode"] == "credit"
    denied = world.check("club_visits", subject=club.id)
    assert (denied["allowed"], denied["reason"]) == (False, "paused")

    world.advance_to("2026-01-21")
    resumed = club.do("resume")["resource"]
    assert period(resumed) == ("2026-01-21", "2026-02-01")
    assert club.value() == "10"
    world.advance_to("2026-02-01")
    assert charged(world, "ada") == [
        "2026-01-15 advance 10.00 (there)",
        "2026-01-21 advance 11.00",
        "2026-02-01 advance 31.00",
    ]
    assert world.get("customers/ada/credits")["data"] == []


def test_what_nobody_has_billed_of_the_time_before_a_pause_is_charged(world: World) -> None:
    """Billed until 6 January, paused with a credit on the 11th: five days are left to charge."""
    club = Club(world, "2026-01-15")
    told = imported(world, paused(club, "club_basic", "2026-01-06", "2026-01-11", **FROM_THE_1ST))
    assert told["first_charge"] == {"at": "2026-01-15T00:00:00Z", "amount": usd(500)}
    assert charged(world, "ada") == [
        "2026-01-15 advance 5.00",
        "2026-01-15 advance 5.00 (there)",
    ]


def test_how_a_pause_is_meant_can_be_said(world: World) -> None:
    """Gold is extended unless told: with a credit, 10 of January's 31 days at 2.00 were paid."""
    club = Club(world, "2026-01-15")
    said = paused(club, "club_gold", "2026-02-01", "2026-01-11", **FROM_THE_1ST)
    imported(world, {**said, "pause_mode": "credit"})
    assert club.now()["pause_mode"] == "credit"
    assert charged(world, "ada") == ["2026-01-15 advance 20.00 (there)"]


@pytest.mark.parametrize(
    ("through", "there", "here"),
    [
        # the period that the pause began with is billed: it is over 10 days later
        ("2026-03-10", ["62.00 (there)", "62.00 (there)"], ["2026-03-20 advance 62.00"]),
        # it is not: it is charged when it goes on
        (
            "2026-02-10",
            ["62.00 (there)"],
            ["2026-02-20 advance 62.00", "2026-03-20 advance 62.00"],
        ),
    ],
)
def test_a_pause_may_begin_with_a_period(
    world: World, through: str, there: list[str], here: list[str]
) -> None:
    club = Club(world, "2026-02-15")
    told = imported(world, paused(club, "club_gold", through, "2026-02-10"))
    assert period(told) == ("2026-02-10", "2026-03-10")
    assert charged(world, "ada") == [f"2026-02-15 advance {each}" for each in there]
    world.advance_to("2026-02-20")
    assert period(club.do("resume")["resource"]) == ("2026-02-10", "2026-03-20")
    world.advance_to("2026-03-20")
    assert charged(world, "ada")[len(there) :] == here


def test_the_day_on_which_it_goes_on_is_agreed(world: World) -> None:
    club = Club(world, "2026-01-30")
    said = paused(club, "club_gold", "2026-02-10", "2026-01-20")
    told = imported(world, {**said, "resumes_at": "2026-02-19T00:00:00Z"})
    assert told["first_charge"] == {"at": "2026-03-12T00:00:00Z", "amount": usd(6200)}
    assert pending(club.now()) == [("resume", "2026-02-19")]
    assert club.told() == ["created", "imported", "scheduled"]
    world.advance_to("2026-03-12")
    assert (club.now()["state"], club.now()["pending"]) == ("active", [])
    assert charged(world, "ada")[1:] == ["2026-03-12 advance 62.00"]


def test_what_is_paused_may_end(world: World) -> None:
    club = Club(world, "2026-01-30")
    said = paused(club, "club_gold", "2026-02-10", "2026-01-20")
    dates = {"resumes_at": "2026-02-19T00:00:00Z", "ends_at": "2026-02-05T00:00:00Z"}
    assert imported(world, {**said, **dates})["first_charge"] is None
    assert pending(club.now()) == [("end", "2026-02-05"), ("resume", "2026-02-19")]
    world.advance_to("2026-03-12")
    now = club.now()
    assert (now["plan"], now["state"], now["pending"]) == ("club_free", "active", [])


def test_what_is_past_due_goes_on_and_the_customer_buys_nothing_more(world: World) -> None:
    club = Club(world, "2026-01-15")
    failed = {"state": "past_due", "past_due_since": "2026-01-05T00:00:00Z", **FROM_THE_1ST}
    told = imported(world, item(club, "club_basic", "2026-02-01", **failed))
    assert (told["state"], period(told)) == ("past_due", ("2026-01-01", "2026-02-01"))
    assert told["first_charge"] == {"at": "2026-02-01T00:00:00Z", "amount": usd(3100)}
    assert club.value() == "10"
    assert world.events(club.customer, club.id)[-2:] == [
        "subscription.imported",
        "entitlements.changed",
    ]
    assert world.events(club.customer)[-1] == "block.placed"
    assert [(each["cause"], each["state"], short(each["starts_at"])) for each in club.timeline()][
        -2:
    ] == [("imported", "active", "2026-01-01"), ("payment_failed", "past_due", "2026-01-05")]
    buyer = world.token_for([Scope.SUBSCRIPTIONS_WRITE])
    up = world.call(
        "POST",
        f"subscriptions/{club.subscription}/change",
        status=409,
        body={"plan": "club_gold"},
        token=buyer,
    )
    assert (up["code"], up["blocked_by"][0]["name"]) == ("blocked", "overdue")

    # it renews past due, and is paid at last
    world.advance_to("2026-02-01")
    assert club.now()["state"] == "past_due"
    world.post("customers/ada/payment-recoveries", subscriptions=[club.subscription])
    assert club.now()["state"] == "active"
    assert not Block.objects.filter(lifted_at=None).exists()
    assert charged(world, "ada") == [
        "2026-01-15 advance 31.00 (there)",
        "2026-02-01 advance 31.00",
    ]


def test_what_was_past_due_before_it_is_known_is_so_from_the_start(world: World) -> None:
    """It is never paid: with the last try it falls back."""
    club = Club(world, "2026-01-15")
    failed = {"state": "past_due", "past_due_since": "2025-12-05T00:00:00Z", **FROM_THE_1ST}
    ends = {"ends_at": "2026-02-01T00:00:00Z"}
    imported(world, item(club, "club_basic", "2026-02-01", **failed, **ends))
    [was] = [each for each in club.timeline() if each["cause"] == "imported"]
    assert (was["state"], short(was["starts_at"])) == ("past_due", "2026-01-01")
    assert pending(club.now()) == [("end", "2026-02-01")]
    world.post("customers/ada/payment-failures", subscriptions=[club.subscription], final=True)
    now = club.now()
    assert (now["plan"], now["state"], now["pending"]) == ("club_free", "active", [])


def test_two_that_are_past_due_are_one_block(world: World) -> None:
    club = Club(world, "2026-01-15")
    failed = {"state": "past_due", "past_due_since": "2026-01-05T00:00:00Z", **FROM_THE_1ST}
    first = item(club, "club_basic", "2026-02-01", **failed)
    others = [{**first, "external_id": name, "subject": club.another(name)} for name in ("b", "c")]
    import_(world, first, others[0])
    imported(world, others[1])
    assert Block.objects.count() == 1
    one, *rest = [world.subscription(each["subject"])["id"] for each in (first, *others)]
    world.post("customers/ada/payment-recoveries", subscriptions=[one])
    assert Block.objects.filter(lifted_at=None).count() == 1
    world.post("customers/ada/payment-recoveries", subscriptions=rest)
    assert not Block.objects.filter(lifted_at=None).exists()


def test_said_again_in_another_state_it_is_left_alone(world: World) -> None:
    club = Club(world, "2026-01-30")
    said = paused(club, "club_gold", "2026-02-10", "2026-01-20")
    imported(world, said)
    club.do("resume")
    again = imported(world, said)
    assert (again["status"], again["state"]) == ("already_imported", "active")
    later = {**said, "paused_since": "2026-01-21T00:00:00Z"}
    [wrong] = import_(world, later, status=422)["errors"]
    assert wrong["code"] == "imported_differently"
