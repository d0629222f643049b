"""Ends: what the product says, what staff decide, and what can be taken back."""

from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

from tests.scenarios.club import PRICES, Club, pending, period, short
from tests.world import World

pytestmark = pytest.mark.prices(PRICES)


def with_policy(tmp_path: Path, **cancel: str) -> None:
    """Let the club's product say what canceling means."""
    document = yaml.safe_load(PRICES.read_text())
    document["products"]["club"]["cancel"] = cancel
    (tmp_path / "club.yaml").write_text(yaml.safe_dump(document))
    call_command("catalog", "apply", str(tmp_path / "club.yaml"), verbosity=0)


def test_billing_may_end_before_access_and_goes_on_when_that_is_taken_back(
    world: World, tmp_path: Path
) -> None:
    club = Club(world, "2026-01-10")
    with_policy(tmp_path, access_end="period_end", billing_end="now", settlement="credit")
    club.on("club_basic")
    world.advance_to("2026-01-20")

    canceled = club.do("cancel")["resource"]
    assert (canceled["plan"], canceled["billed"]) == ("club_basic", False)
    assert club.charged() == ["2026-01-10 advance 31.00", "2026-01-20 credit -21.00"]
    assert pending(canceled) == [("end", "2026-02-10")]
    assert club.timeline()[1]["decision"] == {"settlement": "credit"}
    assert club.value() == "10"

    # taken back at the same instant, nothing has happened
    back = club.do("uncancel")["resource"]
    assert (back["billed"], back["pending"]) == (True, [])
    assert (len(club.timeline()), club.net()) == (1, 31.00)
    club.do("cancel")
    world.advance_to("2026-01-25")
    assert club.do("uncancel")["resource"]["billed"] is True
    assert club.net() == 31.00 - 5.00  # five days were given

    # another plan takes the place of the end, and is billed as well
    club.do("cancel")
    assert club.on("club_gold")["resource"]["billed"] is True
    assert club.now()["pending"] == []

    # who has fallen back is billed for what the fallback costs
    club.do("cancel")
    world.advance_to("2026-02-10")
    assert (club.now()["plan"], club.now()["billed"]) == ("club_free", True)


def test_billing_may_end_on_a_date_of_its_own(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic")
    early = club.do("cancel", billing_end="2026-02-01T00:00:00Z")["resource"]
    assert pending(early) == [("billing_end", "2026-02-01"), ("end", "2026-02-10")]
    # with the end goes the end of billing
    end = next(each["id"] for each in early["pending"] if each["kind"] == "end")
    gone = world.delete(f"subscriptions/{club.subscription}/schedule/{end}")
    assert gone["resource"]["pending"] == []

    club.do("cancel", billing_end="2026-02-01T00:00:00Z")
    world.advance_to("2026-02-05")
    assert (club.now()["plan"], club.now()["billed"]) == ("club_basic", False)
    assert club.refused("cancel", 422, billing_end="2026-02-01T00:00:00Z") == "date_in_past"

    # access may end first: the term before is billed until then
    club.do("uncancel")
    now = {"when": "now", "reason": "by phone", "billing_end": "2026-02-10T00:00:00Z"}
    club.do("cancel", **now)
    last = club.timeline()[-1]
    assert (last["plan"], last["decision"]["billed_until"]) == (
        "club_free",
        "2026-02-10T00:00:00Z",
    )


def test_a_product_may_let_canceling_act_at_once(world: World, tmp_path: Path) -> None:
    club = Club(world, "2026-01-10")
    with_policy(tmp_path, access_end="now", billing_end="now", settlement="credit")
    club.on("club_basic")
    world.advance_to("2026-01-20")
    assert club.do("cancel")["resource"]["plan"] == "club_free"
    assert club.timeline()[-1]["decision"]["settlement"] == "credit"
    club.on("club_basic")
    assert pending(club.do("cancel", when="period_end")["resource"]) == [("end", "2026-02-20")]


def test_a_date_may_be_agreed_and_canceling_once_more_changes_nothing(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic")
    dated = club.do("cancel", access_end="2026-03-01T00:00:00Z")["resource"]
    assert pending(dated) == [("end", "2026-03-01")]
    told = club.told()
    assert club.do("cancel", access_end="2026-03-01T00:00:00Z")["changes"] == []
    assert club.told() == told
    assert club.do("cancel", status=400, when="now", access_end="2026-03-01T00:00:00Z")
    world.advance_to("2026-03-01")
    assert (club.now()["plan"], period(club.now())) == ("club_free", ("2026-02-10", "2026-03-10"))
    assert [short(each["starts_at"]) for each in club.timeline()] == ["2026-01-10", "2026-03-01"]


def test_a_default_plan_is_taken_over_with_all_that_was_asked_for(world: World) -> None:
    club = Club(world, "2026-01-10")
    body = {"customer": "ada", "subject": club.id, "plan": "club_basic"}
    taken = world.post(
        "subscriptions",
        trial_days=7,
        ends_at="2026-05-01T00:00:00Z",
        billing_start="2026-02-01T00:00:00Z",
        **body,
    )["resource"]
    assert (taken["state"], short(taken["trial_end"]), taken["billed"]) == (
        "trialing",
        "2026-01-17",
        False,
    )
    assert pending(taken) == [("billing_start", "2026-02-01"), ("end", "2026-05-01")]
    world.put("customers/ada/payment-method", on_file=True)
    world.advance_to("2026-02-01")
    now = club.now()
    assert (now["state"], now["billed"]) == ("active", True)
    world.advance_to("2026-05-01")
    assert club.now()["plan"] == "club_free"

    # at a date: the default plan goes on until then, and the trial begins with the plan
    annex = club.another("annex")
    world.post(
        "subscriptions",
        customer="ada",
        subject=annex,
        plan="club_tried",
        access_start="2026-06-01T00:00:00Z",
    )
    later = world.subscription(annex)
    assert (later["plan"], pending(later)) == ("club_free", [("plan", "2026-06-01")])
    world.advance_to("2026-06-01")
    # the customer's trial of this product was the one in January
    assert (world.subscription(annex)["plan"], world.subscription(annex)["state"]) == (
        "club_tried",
        "active",
    )
