"""The platform with the real price list, and the people who look at it in the admin."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from console.staff import make_groups
from plans.models import ProductService
from provisioning import policy
from provisioning import services as provisioning
from tests.world import World

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()


@pytest.fixture
def loopback(settings: Any) -> Iterator[None]:
    """Product services may be on this machine."""
    settings.PRODUCT_SERVICE_NETWORKS = ["127.0.0.1/32"]
    policy.operator_policy.cache_clear()
    yield
    policy.operator_policy.cache_clear()


@pytest.fixture
def world(db: Any, loopback: None) -> World:
    """Everything is sold, and one product service is known; nothing is sent to it by itself."""
    made = World(Client())
    made.open()
    edge = ProductService.objects.get(key="edge")
    provisioning.configure_service(service_id=edge.id, url="http://127.0.0.1:9", sandbox=True)
    provisioning.add_secret(service_id=edge.id, secret=SECRET)
    return made


@pytest.fixture
def ada(world: World) -> str:
    """A customer who lives on a test clock at 31 January 2026, with the zone shop.example."""
    world.starts_on("2026-01-31")
    customer = world.customer("ada", profile={"name": "Ada Ltd", "email": "ada@ada.example"})
    world.zone(customer, "shop.example")
    return customer


def member_of(group: str) -> Client:
    make_groups()
    user = User.objects.create_user(f"{group}-1", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def support(db: Any) -> Client:
    """May look at everything and run the services."""
    return member_of("support")


@pytest.fixture
def finance(db: Any) -> Client:
    """May look at everything, and do nothing."""
    return member_of("finance")


def page_of(customer: str) -> str:
    return f"/admin/customers/customer/{customer}/change/"


def text_of(content: bytes) -> str:
    """A page's text as it was sent, with its white space evened out."""
    return " ".join(content.decode().split())
