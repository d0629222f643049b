"""The admin's lists: every table has one, rows are named by their keys, and none reads all."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import admin as lists
from core import ids
from core.models import Event
from customers import services as customers
from customers.models import Customer, Subject
from customers.services import NewSubject
from provisioning.models import Target
from tests.console.conftest import text_of
from tests.world import World

OURS = (
    "core", "customers", "plans", "identity", "subscriptions", "changes", "invoicing",
    "entitlements", "usage", "provisioning",
)  # fmt: skip
LISTS = sorted(
    f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry
)


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def links_of(page: str) -> set[tuple[str, str]]:
    """What the rows of a list lead to besides themselves: what it is called, and its identifier."""
    return set(re.findall(r'title="([a-z]+_[0-9a-z]{26})">([^<]+)</a>', page))


def test_every_table_of_ours_has_a_list() -> None:
    ours = {model for app in OURS for model in apps.get_app_config(app).get_models()}
    assert ours <= set(admin.site._registry)


def test_rows_are_named_by_their_keys_and_lead_to_what_they_name(
    world: World, ada: str, support: Client
) -> None:
    zone = Subject.objects.get(key="shop.example").id
    for path, named in [
        ("subscriptions/subscription", {"ada", "shop.example", "zone", "free 1"}),
        ("provisioning/target", {"edge", "ada", "shop.example"}),
        ("entitlements/fact", {"ada", "shop.example"}),
        ("entitlements/timeline", {"shop.example"}),  # its first column leads to the row
        ("core/event", {"ada"}),
        ("core/auditentry", {"ada"}),
        ("customers/subject", {"ada"}),
    ]:
        page = text_of(support.get(f"/admin/{path}/").content)
        found = {name for _, name in links_of(page)}
        assert named <= found, path
        assert not any(ids.is_type_id(name) for name in found), path
    page = text_of(support.get("/admin/provisioning/target/").content)
    assert {(ada, "ada"), (zone, "shop.example")} <= links_of(page)
    for address in re.findall(r'href="(/admin/customers/customer/[^"]+/change/)"', page):
        assert support.get(address).context["page"].customer.id == ada


def test_who_has_no_key_is_called_by_its_identifier(world: World, support: Client) -> None:
    nameless = customers.create_customer(currency="USD", name="", email="").id
    page = text_of(support.get("/admin/core/event/").content)
    assert (nameless, nameless) in links_of(page)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(
    world: World, ada: str, root: Client, path: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert root.get(path).status_code == 200
        return len(captured)

    root.get(path)
    with_few = queries()
    bob = world.customer("bob", profile={"name": "Bob", "email": "bob@bob.example"})
    customers.create_subjects(
        customer_id=bob, subjects=[NewSubject("zone", f"{n}.example") for n in range(10)]
    )
    assert queries() <= with_few


def test_customers_are_found_by_e_mail_wherever_something_is_theirs(
    world: World, ada: str, support: Client
) -> None:
    bob = world.customer("bob", profile={"name": "Bob", "email": "bob@bob.example"})
    world.zone(bob, "bob.example")
    for path in [
        "customers/customer",
        "customers/customerprofile",
        "customers/subject",
        "subscriptions/subscription",
        "subscriptions/term",
        "entitlements/fact",
        "entitlements/timeline",
        "entitlements/customerrevision",
        "provisioning/target",
    ]:
        rows = support.get(f"/admin/{path}/", {"q": "ada@ada.example"}).context["cl"].result_list
        owners = {getattr(row, "customer_id", None) or row.pk for row in rows}
        assert owners == {ada}, path


def test_a_list_counts_no_further_than_people_turn_pages(
    world: World, ada: str, support: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST_LISTED", 60)
    customers.create_subjects(
        customer_id=ada, subjects=[NewSubject("zone", f"{n}.example") for n in range(70)]
    )
    assert Subject.objects.count() == 71
    with CaptureQueriesContext(connection) as captured:
        page = support.get("/admin/customers/subject/")
    counted = [each["sql"] for each in captured if "COUNT(" in each["sql"]]
    assert len(counted) == 1
    assert "LIMIT 60" in counted[0]
    assert page.context["cl"].result_count == 60
    assert "and perhaps more: search or filter" in text_of(page.content)
    assert len(support.get("/admin/customers/subject/?p=2").context["cl"].result_list) == 10
    assert support.get("/admin/customers/subject/?p=3").status_code == 302

    few = support.get("/admin/customers/customer/")
    assert few.context["cl"].result_count == Customer.objects.count()
    assert "and perhaps more" not in text_of(few.content)


@pytest.mark.parametrize(
    "path", ["auth/user", "auth/group", "provisioning/target", "core/delivery"]
)
@pytest.mark.parametrize("row", ["x", "\x00", "9" * 24, "-1 OR 1=1", "tgt_x"])
def test_an_action_on_what_cannot_be_a_row_is_refused(root: Client, path: str, row: str) -> None:
    action = "delete_selected" if path.startswith("auth") else "resync"
    chosen = {"action": action, "_selected_action": row, "post": "yes", "index": "0"}
    answer = root.post(f"/admin/{path}/", chosen, follow=True)
    assert answer.status_code == 200
    assert b"No row has such an identifier." in answer.content
    assert User.objects.count() == 1


def test_a_list_of_targets_can_be_sent_again_page_by_page_only(
    world: World, ada: str, support: Client
) -> None:
    """Choosing the rows of all pages would run one service for each of a million."""
    assert Target.objects.count() == 1
    assert Event.objects.exists()
    page = support.get("/admin/provisioning/target/")
    assert b'name="action"' in page.content
    assert b"across all pages" not in page.content
