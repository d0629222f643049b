"""What the API shows of customers, subjects and clocks, and what it costs."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.principals import Scope
from customers.turns import park
from tests.customers.conftest import Customers
from tests.world import World


@pytest.fixture
def world(db: None) -> World:
    made = World(Client())
    made.token = made.token_for(list(Scope))
    return made


def test_a_subject_is_read_with_its_whole_customer(world: World) -> None:
    ada = world.customer("ada", profile={"name": "Ada"})
    world.zone(ada, "shop.example")
    whole = world.get(f"customers/{ada}")
    assert whole["profile"]["name"] == "Ada"
    plain = world.get("customers/ada/subjects/shop.example")
    assert plain["customer"] == ada
    read = world.get("customers/ada/subjects/shop.example", expand="customer")
    assert read == {**plain, "customer": whole}
    assert world.get("customers/ada/subjects", expand="customer")["data"] == [read]
    refused = world.get("customers/ada/subjects", status=400, expand="profile")
    assert (refused["code"], refused["parameter"]) == ("malformed_parameter", "expand")


def test_a_list_of_clocks_counts_parked_customers_in_one_query(
    world: World, customers: Customers
) -> None:
    def listed() -> tuple[list[int], int]:
        with CaptureQueriesContext(connection) as queries:
            rows = world.get("test-clocks")["data"]
        return [row["parked_customers"] for row in rows], len(queries)

    world.starts_on("2026-01-31")
    _, once = listed()
    for parked in (0, 1, 2):
        world.starts_on("2026-01-31")
        for customer_id in customers(3, world.clock_id)[:parked]:
            park(customer_id=customer_id, error=RuntimeError("stuck"))
    assert listed() == ([2, 1, 0, 0], once)
    assert world.get(f"test-clocks/{world.clock_id}")["parked_customers"] == 2
