"""One box finds anything by identifier, key or e-mail."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from core.models import Event
from customers.models import Customer
from identity.models import Client as ApiClient
from plans.models import Feature, Plan
from provisioning.models import Target
from subscriptions.models import PendingChange, Subscription
from tests.console.conftest import page_of
from tests.world import World


def find(client: Client, term: str) -> Any:
    return client.get("/admin/customers/customer/find/", {"q": term})


def place(client: Client, term: str) -> str:
    answer = find(client, term)
    assert answer.status_code == 302
    return str(answer["Location"])


def test_what_is_a_customers_is_found_on_the_customers_page(
    world: World, ada: str, support: Client
) -> None:
    zone = Customer.objects.get(pk=ada).subjects.get()
    world.change(zone.id, "pro")
    world.change(zone.id, "free")
    subscription = Subscription.objects.get(subject=zone)
    own = Subscription.objects.get(customer=ada, subject=None)
    change = PendingChange.objects.pending().get()
    target = Target.objects.get(subject=zone)
    alone = f"{page_of(ada)}?subject={zone.id}"

    for term in (ada, "ada", "ada@ada.example", " ada "):
        assert place(support, term) == page_of(ada)
    for term in (zone.id, "shop.example"):
        assert place(support, term) == alone
    for term in (subscription.id, change.id):
        assert place(support, term) == f"{alone}#{subscription.id}"
    assert place(support, target.id) == f"{alone}#{target.id}"
    assert place(support, own.id) == f"{page_of(ada)}#{own.id}"
    assert f'id="{subscription.id}"'.encode() in support.get(alone).content
    assert f'id="{target.id}"'.encode() in support.get(alone).content


def test_everything_else_is_found_on_its_own_page(ada: str, support: Client) -> None:
    event = Event.objects.latest("ordinal")
    assert place(support, event.id) == reverse("admin:core_event_change", args=[event.ordinal])
    plan = Plan.objects.get(key="pro")
    for term in (plan.id, "pro"):
        assert place(support, term) == reverse("admin:plans_plan_change", args=[plan.id])
    feature = Feature.objects.get(key="waf_custom_rules")
    assert place(support, "waf_custom_rules") == reverse(
        "admin:plans_feature_change", args=[feature.id]
    )
    client = ApiClient.objects.get()
    found = support.get(place(support, client.id))
    assert found.status_code == 200


def test_a_key_of_several_subjects_leads_to_the_customers_who_have_it(
    world: World, ada: str, support: Client
) -> None:
    world.zone(world.customer("bob"), "shop.example")
    address = place(support, "shop.example")
    assert address == "/admin/customers/customer/?q=shop.example"
    assert len(support.get(address).context["cl"].result_list) == 2


@pytest.mark.parametrize("term", ["nobody", "x" * 300, "sub_nonsense", "' OR 1=1 --"])
def test_what_has_no_page_is_looked_for_in_the_customers(
    ada: str, support: Client, term: str
) -> None:
    listed = support.get("/admin/customers/customer/find/", {"q": term}, follow=True)
    assert listed.status_code == 200
    assert list(listed.context["cl"].result_list) == []


def test_an_unknown_identifier_and_text_that_cannot_be_one_are_told(
    ada: str, support: Client
) -> None:
    answer = find(support, "sub_01jd0000000000000000000000")
    (message,) = get_messages(answer.wsgi_request)
    assert str(message) == "Nothing is called sub_01jd0000000000000000000000."
    assert support.get(answer["Location"]).status_code == 200
    nul = support.get("/admin/customers/customer/find/", {"q": "a\x00b"}, follow=True)
    assert nul.status_code == 200


def test_the_box_is_on_every_page_and_for_staff_only(support: Client) -> None:
    for path in ("/admin/", "/admin/plans/plan/"):
        assert b'action="/admin/customers/customer/find/"' in support.get(path).content
    assert find(Client(), "ada")["Location"].startswith("/admin/login/")


def test_who_may_see_no_customer_finds_none(ada: str) -> None:
    nobody = Client()
    nobody.force_login(User.objects.create_user("new", is_staff=True))

    assert find(nobody, "ada").status_code == 403
    assert find(nobody, "no such thing").status_code == 403
