"""Support and finance see everything; support may run services; nobody needs a superuser."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def names(group: str) -> set[str]:
    rows = Group.objects.get(name=group).permissions.select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def test_the_command_makes_both_groups_and_repeating_it_changes_nothing() -> None:
    out = StringIO()
    call_command("staff_groups", stdout=out)
    assert out.getvalue() == "groups: support, finance\n"
    before = names("support"), names("finance")
    Group.objects.get(name="finance").permissions.add(
        Permission.objects.get(codename="delete_user")
    )
    call_command("staff_groups", stdout=out)
    assert (names("support"), names("finance")) == before
    assert Group.objects.count() == 2


def test_finance_only_looks_and_support_runs_what_customers_need() -> None:
    call_command("staff_groups", stdout=StringIO())
    assert all(name.split(".")[1].startswith("view_") for name in names("finance"))
    assert names("support") - names("finance") == {
        "customers.change_customer",
        "subscriptions.change_subscription",
        "subscriptions.change_pendingchange",
        "provisioning.change_target",
        "entitlements.change_override",
    }
    assert {"core.view_event", "plans.view_plan", "identity.view_client"} <= names("finance")
    assert not any(name.startswith(("auth.", "sessions.")) for name in names("finance"))
