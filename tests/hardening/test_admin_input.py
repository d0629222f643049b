"""The admin: who may not look is turned away, bad addresses are no defects, text stays text."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from core.admin import ReadOnlyAdmin
from tests.world import World

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
LISTS = sorted(
    f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry
)
READ_ONLY = sorted(
    f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    for model, page in admin.site._registry.items()
    if isinstance(page, ReadOnlyAdmin)
)
NOBODY = [
    "x",
    "2147483647",
    "-1",
    "9" * 24,
    "%00",
    "_00",
    "%FF",
    "%F0%9F%98%80",
    "..%2F",
    "a" * 3000,
    "cus_01jd0000000000000000000001",
    "cus_5F01jd0000000000000000000001",
]


@pytest.fixture
def staff(db: Any) -> Client:
    browser = Client()
    browser.force_login(User.objects.create_superuser("admin"))
    return browser


def test_every_list_is_looked_at() -> None:
    assert len(LISTS) > 30
    assert len(READ_ONLY) >= len(LISTS) - 2  # staff accounts and their groups


@pytest.mark.parametrize("path", LISTS)
def test_who_may_not_look_is_turned_away(db: Any, path: str) -> None:
    anonymous, visitor, colleague = Client(), Client(), Client()
    visitor.force_login(User.objects.create_user("visitor"))
    colleague.force_login(User.objects.create_user("colleague", is_staff=True))

    for browser in (anonymous, visitor):
        answer = browser.get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={path}")
    assert colleague.get(path).status_code == 403


@pytest.mark.parametrize("path", LISTS)
def test_an_address_that_names_nothing_is_no_defect(staff: Client, path: str) -> None:
    for name in NOBODY:
        answer = staff.get(f"{path}{name}/change/")
        assert answer.status_code in (302, 404), name


@pytest.mark.parametrize("path", LISTS)
def test_any_search_is_answered(staff: Client, path: str) -> None:
    for text in ["\x00", "%", "_", "\\", "'", '"', '"open', "a" * 5000, "é", "\u202e", SCRIPT]:
        answer = staff.get(path, {"q": text})
        assert answer.status_code == 200, text
        assert b"<script>alert" not in answer.content


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "query", ["o=99", "o=-1.2.x", "p=99999", "p=x", "id__gt=1", "nope=1", "state=%00", "kind=%00"]
)
def test_any_filter_is_answered(staff: Client, path: str, query: str) -> None:
    assert staff.get(f"{path}?{query}").status_code in (200, 302, 400)


def test_a_filter_by_a_character_that_no_column_holds_is_left_out(staff: Client) -> None:
    """These lists have a filter over a text column: the database would be asked."""
    for path, name in [
        ("core/auditentry", "table_name"),
        ("core/delivery", "handler"),
        ("core/event", "type"),
        ("customers/subject", "kind"),
        ("plans/feature", "type"),
        ("provisioning/target", "state"),
        ("subscriptions/pendingchange", "kind"),
        ("subscriptions/subscription", "state"),
    ]:
        answer = staff.get(f"/admin/{path}/?{name}=%00")
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/{path}/?e=1")


@pytest.mark.parametrize("path", READ_ONLY)
def test_nothing_is_added_changed_or_deleted(staff: Client, path: str) -> None:
    assert staff.get(f"{path}add/").status_code == 403
    assert staff.post(f"{path}add/", {"id": "x"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": "x", "post": "yes"}
    assert staff.post(path, chosen).status_code in (200, 302)


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("core/delivery", "retry"),
        ("provisioning/target", "resync"),
        ("customers/customer", "unpark"),
    ],
)
def test_an_action_on_what_cannot_be_a_row_is_refused(
    staff: Client, path: str, action: str
) -> None:
    for name in ["x", "\x00", "sub_01jd0000000000000000000001"]:
        chosen = {"action": action, "_selected_action": name, "index": "0"}
        answer = staff.post(f"/admin/{path}/", chosen, follow=True)
        assert answer.status_code == 200
        assert b"No row has such an identifier." in answer.content


def test_text_of_callers_is_shown_as_text(staff: Client) -> None:
    world = World(staff)
    world.open()
    ada = world.customer("ada", profile={"name": SCRIPT, "email": SCRIPT}, reason=SCRIPT)
    zone = world.zone(ada, reason=SCRIPT)
    world.post(f"customers/{ada}/subjects", status=201, kind=SCRIPT[:64])
    world.post("test-clocks", status=201, name=SCRIPT, frozen_at="2026-01-31T00:00:00Z")
    world.put(f"customers/{ada}/subjects/{zone}/products/zone", plan="pro", reason=SCRIPT)

    shown = 0
    for path in [
        f"/admin/customers/customer/{ada}/change/",
        "/admin/customers/customer/",
        "/admin/customers/customerprofile/",
        "/admin/customers/subject/",
        "/admin/customers/testclock/",
        "/admin/core/auditentry/",
        "/admin/core/event/",
    ]:
        page = staff.get(path)
        assert page.status_code == 200
        assert b"<script>alert" not in page.content
        assert b"<img src=x" not in page.content
        shown += page.content.count(b"&lt;script&gt;alert(1)")
    assert shown > 10


def test_a_form_from_elsewhere_is_refused(staff: Client) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = staff.cookies
    path = "/admin/customers/customer/cus_01jd0000000000000000000001/do/"

    assert careful.post(path, {"action": "unpark", "row": "x"}).status_code == 403
    assert staff.get(path).status_code == 405
    assert staff.post(path, {"action": "nope"}).status_code == 404
    for row in ["", "x", "\x00", "cus_01jd0000000000000000000001"]:
        assert staff.post(path, {"action": "unpark", "row": row}).status_code == 302
