"""The admin shows what was given and what it makes; nothing can be edited."""

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from entitlements.models import CustomerRevision, Fact, Timeline
from tests.world import World


@pytest.fixture
def staff() -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("ada"))
    return browser


def test_every_page_opens_and_offers_no_change(world: World, staff: Browser) -> None:
    ada = world.customer("ada")
    shop = world.zone(ada, "shop.example")
    for page, key, shown in (
        ("fact", Fact.objects.filter(subject=shop)[0].pk, shop),
        ("timeline", Timeline.objects.get(subject=shop).pk, shop),
        ("customerrevision", CustomerRevision.objects.get().pk, ada),
    ):
        for url in (f"/admin/entitlements/{page}/", f"/admin/entitlements/{page}/{key}/change/"):
            response = staff.get(url)
            text = response.content.decode()
            assert (response.status_code, shown in text) == (200, True), url
            assert 'name="_save"' not in text
        assert staff.get(f"/admin/entitlements/{page}/add/").status_code == 403
        assert staff.post(f"/admin/entitlements/{page}/{key}/delete/").status_code == 403


@pytest.mark.parametrize("page", ["fact", "timeline", "customerrevision"])
def test_rows_are_found_by_customer(world: World, staff: Browser, page: str) -> None:
    ada = world.customer("ada")
    bob = world.customer("bob")
    for term in (ada, "ada"):
        text = staff.get(f"/admin/entitlements/{page}/", {"q": term}).content.decode()
        assert (ada in text.replace(f'value="{term}"', ""), bob in text) == (True, False)
