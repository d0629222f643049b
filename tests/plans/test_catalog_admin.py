"""The catalog in the admin: everything can be looked at, nothing edited, versions go on sale."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from core.models import AuditEntry
from plans.models import Plan, PlanVersion
from plans.services import apply_catalog
from tests.plans.catalogs import BASE, small

pytestmark = pytest.mark.django_db
MODELS = list(apps.get_app_config("plans").get_models())


@pytest.fixture
def staff(client: Client) -> Client:
    apply_catalog(tree=small())
    client.force_login(User.objects.create_superuser("ada"))
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_table_is_listed_shown_and_never_edited(staff: Client, model: type) -> None:
    assert admin.site.is_registered(model)
    name = f"admin:plans_{model.__name__.lower()}"
    assert staff.get(reverse(f"{name}_changelist")).status_code == 200
    row = model.objects.first()  # type: ignore[attr-defined]
    if row is not None:
        page = staff.get(reverse(f"{name}_change", args=[row.pk]))
        assert page.status_code == 200
        assert b'name="_save"' not in page.content
        assert staff.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
        assert staff.post(reverse(f"{name}_delete", args=[row.pk])).status_code == 403
    assert staff.get(reverse(f"{name}_add")).status_code == 403


def test_things_are_found_by_key_and_by_identifier(staff: Client) -> None:
    pro = Plan.objects.get(key="pro")
    for term in ("pro", pro.id):
        found = staff.get(reverse("admin:plans_plan_changelist"), {"q": term})
        assert [row.key for row in found.context["cl"].result_list] == ["pro"]
    listed = staff.get(reverse("admin:plans_planversion_changelist"), {"q": pro.id})
    assert [row.plan_id for row in listed.context["cl"].result_list] == [pro.id]


def act(staff: Client, action: str, version: PlanVersion) -> str:
    form = {"action": action, "_selected_action": [version.id]}
    page = staff.post(reverse("admin:plans_planversion_changelist"), form, follow=True)
    return page.content.decode()


def test_staff_publish_and_archive_by_the_services_and_are_named(staff: Client) -> None:
    apply_catalog(tree=small({f"{BASE}/amount": "25.00", "/plans/pro/publish": False}))
    draft = PlanVersion.objects.get(plan__key="pro", number=2)
    assert "done" in act(staff, "publish", draft)
    draft.refresh_from_db()
    assert draft.status == "published"
    assert AuditEntry.objects.filter(actor__startswith="staff:", row_id__isnull=False).exists()
    assert "the version is published" in act(staff, "publish", draft)
    assert "done" in act(staff, "archive", draft)
    draft.refresh_from_db()
    assert draft.status == "archived"
