"""The home page counts what waits for a person, and leads there."""

from datetime import timedelta

from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from core import clock
from core.models import Delivery, Event
from core.transactions import unit_of_work
from customers import turns
from plans.models import ProductService
from provisioning import services as provisioning
from provisioning.models import Target
from tests.console.conftest import text_of
from tests.world import World


def counts(client: Client) -> dict[str, int]:
    return {tile.title: tile.count for tile in client.get("/admin/").context["tiles"]}


def test_a_quiet_platform_alarms_nobody(ada: str, support: Client) -> None:
    page = support.get("/admin/")
    assert counts(support) == {
        "Parked customers": 0,
        "Parked reactions": 0,
        "Dead letters": 0,
        "Failing services": 0,
        "Waiting targets": 1,
    }
    assert "c-alarm" not in text_of(page.content)


def test_each_count_leads_to_the_rows_it_counts(world: World, ada: str, support: Client) -> None:
    turns.park(customer_id=ada, error=ValueError("broken"))
    world.zone(world.customer("bob"), "bob.example")
    now = clock.system_now()
    event = Event.objects.latest("ordinal")
    Delivery.objects.create(
        event=event, handler="x", attempt_after=now, parked_at=now - timedelta(hours=1), error="no"
    )
    first = Target.objects.order_by("id")[0]
    unit_of_work(
        lambda: Target.objects.filter(pk=first.pk).update(
            next_attempt_at=None, dead_lettered_at=now
        )
    )
    assert counts(support) == {
        "Parked customers": 1,
        "Parked reactions": 1,
        "Dead letters": 1,
        "Failing services": 1,
        "Waiting targets": 1,
    }
    for tile in support.get("/admin/").context["tiles"]:
        listed = support.get(tile.url)
        assert listed.status_code == 200
        assert len(listed.context["cl"].result_list) == 1, tile.title


def test_a_paused_service_is_a_failing_one(ada: str, support: Client) -> None:
    edge = ProductService.objects.get(key="edge")
    provisioning.pause_service(service_id=edge.id)
    page = support.get("/admin/")
    assert counts(support)["Failing services"] == 1
    (service,) = page.context["services"]
    assert (service.service.key, service.waiting, service.dead_letters) == ("edge", 1, 0)
    assert "paused" in text_of(page.content)


def test_staff_see_only_what_they_may_view(ada: str) -> None:
    client = Client()
    client.force_login(User.objects.create_user("new", is_staff=True))
    page = client.get("/admin/")
    assert page.status_code == 200
    assert (page.context["tiles"], page.context["services"], page.context["events"]) == ([], [], [])
    assert b"cus_" not in page.content


def test_the_sidebar_has_every_list_in_its_group(support: Client) -> None:
    groups = support.get("/admin/").context["sidebar_navigation"]
    titles = [group.get("title") for group in groups]
    assert titles == [
        None, "Customers", "Catalog", "Subscriptions", "Charges", "Entitlements", "Provisioning",
        "Identity", "Operations",
    ]  # fmt: skip
    links = [item["link"] for group in groups for item in group["items"]]
    assert links[0] == "/admin/"
    for_support = [each for each in admin.site._registry if each._meta.app_label != "auth"]
    assert len(links) == len(set(links)) == 1 + len(for_support)
    for link in links:
        assert support.get(link).status_code == 200, link
