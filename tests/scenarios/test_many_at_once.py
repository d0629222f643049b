"""What time does to many subscriptions takes as many statements as what it does to a few."""

from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.acting import acting_as
from core.principals import Scope
from customers.turns import run_due
from tests.conftest import MachineTime
from tests.scenarios.club import PRICES
from tests.world import World


def _agree(world: World, key: str, clubs: int) -> str:
    """Return a customer whose clubs all have a change of plan, of number and of add-ons due at one
    instant, the first of them at the end of a trial."""
    customer = world.customer(key)
    for number in range(clubs):
        path = f"customers/{customer}/subjects"
        club = world.post(path, status=201, key=f"club-{number}", kind="club")["resource"]["id"]
        body = {"customer": customer, "subject": club, "plan": "club_tried", "trial_days": 31}
        if number:
            body = {**body, "plan": "club_team", "add_ons": {"club_guest": 2}, "trial_days": 0}
        subscription = world.post("subscriptions", **body)["resource"]["id"]
        if number:
            path = f"subscriptions/{subscription}/change"
            world.post(path, quantity=2, add_ons={"club_guest": 1})
            world.post(path, plan="club_basic")
    return customer


def _statements(customer: str) -> int:
    with acting_as("system:test"), CaptureQueriesContext(connection) as captured:
        assert run_due([customer]) == 1
    return len(captured)


def test_due_work_takes_as_many_statements_for_nine_as_for_three(
    world: World, machine_time: MachineTime
) -> None:
    call_command("catalog", "apply", str(PRICES), verbosity=0)
    world.token = world.token_for(list(Scope))
    few, many = _agree(world, "few", 3), _agree(world, "many", 9)
    machine_time.passes(days=31)
    world.token = world.token_for(list(Scope))

    assert _statements(few) == _statements(many)
    world.settle()
    plans = [row["plan"] for row in world.get("subscriptions", customer=many)["data"]]
    assert sorted(plans) == ["club_basic"] * 8 + ["club_free", "workers_free"]
