"""``manage.py demo`` makes what a first visitor needs, says it as JSON, and can be repeated."""

import base64
import json
from collections.abc import Sequence
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from core import clock
from customers.models import Customer, Subject, TestClock
from deploy.local import demo as launcher
from identity import queries as identity
from identity.models import Client
from provisioning.models import ServiceConfiguration, ServiceSecret, Target
from subscriptions.models import Subscription
from tests.world import EXAMPLES

BASE_URL = "http://127.0.0.1:8000"
URLS = ("edge=http://127.0.0.1:8701", "developer=http://127.0.0.1:8702")


def secret(letter: str) -> str:
    return "whsec_" + base64.b64encode(letter.encode() * 32).decode()


@pytest.fixture
def price_list(db: Any, loopback: None) -> None:
    call_command("catalog", "apply", str(EXAMPLES / "catalog.yaml"), stdout=StringIO())


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_SERVICE_SECRETS", f"edge={secret('e')},developer={secret('d')}")


def run(urls: Sequence[str] = URLS) -> dict[str, Any]:
    out = StringIO()
    arguments = [f"--service-url={url}" for url in urls]
    call_command("demo", f"--base-url={BASE_URL}", *arguments, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    launcher.read(out.getvalue())
    return answer


def test_there_are_staff_who_can_log_in(price_list: None) -> None:
    staff = {each["username"]: each["password"] for each in run()["staff"]}
    assert list(staff) == ["admin", "support", "finance"]
    assert len(set(staff.values())) == 3
    for name, password in staff.items():
        user = authenticate(username=name, password=password)
        assert isinstance(user, User)
        assert user.is_staff
        assert user.is_superuser == (name == "admin")
        assert [group.name for group in user.groups.all()] == ([] if name == "admin" else [name])


def test_there_are_two_clients_one_of_them_limited(price_list: None) -> None:
    everything, checks = run()["clients"]
    assert "subscriptions:override" in everything["scopes"]
    assert checks["scopes"] == ["entitlements:check"]
    assert Client.objects.get(pk=checks["client_id"]).product_service == "edge"
    for each in (everything, checks):
        assert is_let_in(each["client_id"], each["client_secret"])


def is_let_in(client_id: str, client_secret: str) -> bool:
    now = clock.system_now()
    return identity.authenticated_client(client_id, client_secret, at=now) is not None


def test_there_are_customers_with_zones(price_list: None) -> None:
    run()
    plans = Subscription.objects.filter(product__key="zone").values_list(
        "customer__key", "subject__key", "plan_version__plan__key"
    )
    assert set(plans) == {
        ("demo", "shop.example", "pro"),
        ("demo", "blog.example", "free"),
        ("time-traveler", "travel.example", "business"),
    }
    traveler = Customer.objects.select_related("test_clock").get(key="time-traveler")
    assert traveler.test_clock is not None
    assert traveler.test_clock.frozen_at.isoformat() == "2026-01-31T00:00:00+00:00"


def test_product_services_are_sandboxes_with_exactly_the_given_secrets(price_list: None) -> None:
    run()
    rows = ServiceConfiguration.objects.select_related("service").order_by("service__key")
    assert [(row.service.key, row.url, row.sandbox) for row in rows] == [
        ("developer", "http://127.0.0.1:8702", True),
        ("edge", "http://127.0.0.1:8701", True),
    ]
    assert ServiceSecret.objects.count() == 2
    assert Target.objects.filter(customer__test_clock__isnull=False).exists()


def test_again_it_changes_nothing_but_the_clients_secrets(price_list: None) -> None:
    first = run()
    rows = (Customer, Subject, TestClock, Client, User, ServiceConfiguration, ServiceSecret)
    before = [model.objects.count() for model in rows]
    hashes = list(User.objects.order_by("id").values_list("password", flat=True))
    second = run()
    third = run()
    assert [model.objects.count() for model in rows] == before
    assert list(User.objects.order_by("id").values_list("password", flat=True)) == hashes
    assert first["staff"] == second["staff"] == third["staff"]
    for old, new in zip(first["clients"] + second["clients"], third["clients"] * 2, strict=True):
        assert old["client_id"] == new["client_id"]
        assert not is_let_in(old["client_id"], old["client_secret"])
        assert is_let_in(new["client_id"], new["client_secret"])


def test_what_a_visitor_broke_works_again(
    price_list: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    user = User.objects.get(username="support")
    user.set_password("other")
    user.is_active = False
    user.save()
    monkeypatch.setenv("DEMO_SERVICE_SECRETS", f"edge={secret('n')},developer={secret('d')}")
    login = run(["edge=http://127.0.0.1:9701", URLS[1]])["staff"][1]
    assert authenticate(username="support", password=login["password"]) is not None
    edge = ServiceConfiguration.objects.get(service__key="edge")
    assert edge.url == "http://127.0.0.1:9701"
    assert ServiceSecret.objects.count() == 3
    assert edge.secrets.live().count() == 1


def test_what_a_visitor_did_with_the_customers_stays(price_list: None) -> None:
    run()
    Customer.objects.filter(key="demo").update(zone="Europe/Berlin")
    run()
    assert Customer.objects.get(key="demo").zone == "Europe/Berlin"


def test_it_is_refused_in_production(price_list: None, settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="no place in production"):
        run()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_without_a_price_list_it_says_what_to_do() -> None:
    with pytest.raises(CommandError, match=r"apply examples/catalog\.yaml first"):
        run()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("urls", "message"),
    [
        (["edge"], "expected KEY=VALUE"),
        (["other=http://127.0.0.1:1"], "holds no secret for other"),
        (["edge=ftp://127.0.0.1:1"], "ftp|scheme|https"),
    ],
)
def test_wrong_services_are_refused_as_a_whole(
    price_list: None, urls: list[str], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        run(urls)
    assert not Customer.objects.exists()
    assert not User.objects.exists()


def test_every_line_is_one_line_for_curl(price_list: None) -> None:
    lines = run()["curl"]
    assert len(lines) == 6
    assert all(line.startswith("curl ") and "\n" not in line for line in lines)
