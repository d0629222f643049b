"""Staff look at change sets and decide on them, through the same services."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.changes.conftest import Changes

LIST = "/admin/changes/changeset/"


@pytest.fixture
def staff(world: Changes) -> Client:
    user = User.objects.create_superuser("grace")
    client = Client()
    client.force_login(user)
    return client


def act(client: Client, action: str, change_set: dict[str, Any]) -> bytes:
    answer = client.post(
        LIST, {"action": action, "_selected_action": [change_set["id"]]}, follow=True
    )
    assert answer.status_code == 200
    return answer.content


def test_staff_see_and_decide(world: Changes, staff: Client) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    made = world.select({"change": {"plan": "pro"}}, selector={"plan": "free"})
    for path in (
        LIST,
        f"{LIST}{made['id']}/change/",
        f"/admin/changes/changesetitem/?q={made['id']}",
        f"/admin/changes/changesetitem/{world.items(made)[0]['id']}/change/",
    ):
        assert staff.get(path).status_code == 200, path

    assert b"cannot apply" in act(staff, "apply", made)
    act(staff, "approve", made)
    approved_by = world.change_set(made)["approved_by"]
    assert approved_by.startswith("staff:")
    act(staff, "apply", made)
    world.settle()
    assert world.subscription(shop)["plan"] == "pro"
    act(staff, "undo", made)
    world.settle()
    (undo, _) = world.get("change-sets")["data"]
    assert (undo["undoes"], undo["state"]) == (made["id"], "ready")
    assert undo["created_by"] == approved_by
    act(staff, "discard", undo)
    assert world.change_set(undo)["state"] == "discarded"


def test_who_may_only_look_gets_no_actions(world: Changes) -> None:
    user = User.objects.create_user("linus", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_changeset"))
    client = Client()
    client.force_login(user)
    shop = world.zone(world.customer("ada"))
    made = world.preview(shop, {"change": {"plan": "pro"}})
    act(client, "discard", made)
    assert world.change_set(made)["state"] == "ready"
    world.decide(made, "discard")
