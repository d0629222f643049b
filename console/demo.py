"""What a first visitor finds: staff, API clients, customers, product services, lines to paste.

Made again at every start of the local platform, in one unit of work. What is there already stays as
it is; only the clients' secrets, which are kept nowhere, are new each time.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth.models import Group, User

from console import paste
from console.staff import make_groups
from core import clock
from core.errors import DomainError, Unprocessable
from core.principals import Scope
from core.transactions import command
from customers import clocks
from customers import services as customers
from customers.models import Customer
from customers.services import NewSubject
from identity import sealing
from identity import services as identity
from identity.models import Client, ClientSecret
from plans import queries as catalog
from plans.models import ProductService
from provisioning import services as provisioning
from provisioning.models import ServiceConfiguration, ServiceSecret
from subscriptions import services as subscriptions

ZONE, ZONE_PRODUCT, DEFAULT_PLAN = "zone", "zone", "free"
TRAVEL_BEGINS_AT = datetime(2026, 1, 31, tzinfo=UTC)


class NoPriceList(Unprocessable):
    """The demo sells what ``examples/catalog.yaml`` offers; that has not been applied."""

    code = "no_price_list"


@dataclass(frozen=True, slots=True)
class Login:
    """A member of staff; the superuser is in no ``group``."""

    username: str
    group: str = ""

    @property
    def password(self) -> str:
        """The same at every start, and another on every machine."""
        message = f"demo password of {self.username}".encode()
        digest = hmac.digest(settings.SECRET_KEY.encode(), message, hashlib.sha256)
        return base64.b32encode(digest)[:20].decode().lower()


@dataclass(frozen=True, slots=True)
class DemoClient:
    """A client with a secret that was made just now."""

    client_id: str
    client_secret: str
    scopes: Sequence[str]


@dataclass(frozen=True, slots=True)
class DemoService:
    """Where a product service of the price list answers, and how requests to it are signed."""

    key: str
    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Demo:
    """What the visitor is told."""

    staff: Sequence[Login]
    clients: Sequence[DemoClient]
    curl: Sequence[str]


STAFF = (Login("admin"), Login("support", "support"), Login("finance", "finance"))


@command
def make_demo(*, base_url: str, services: Sequence[DemoService]) -> Demo:
    """Make what is missing, and say what there is.

    :raises NoPriceList: if the catalog lacks what the demo sells
    :raises DomainError: if a product service's address or secret is refused
    """
    _check_price_list(services)
    make_groups()
    for login in STAFF:
        _make_login(login)
    everything = _make_client("demo", "Demo", scopes=list(Scope))
    checks_only = _make_client(
        "demo-edge",
        "Demo of a product service that only asks",
        scopes=[Scope.ENTITLEMENTS_CHECK],
        product_service="edge",
    )
    for service in services:
        _register(service)
    _make_customers()
    return Demo(
        staff=STAFF,
        clients=[everything, checks_only],
        curl=paste.lines(
            base_url=base_url,
            client_id=everything.client_id,
            client_secret=everything.client_secret,
            service_urls=[service.url for service in services],
        ),
    )


def _check_price_list(services: Sequence[DemoService]) -> None:
    try:
        catalog.find_product(ZONE_PRODUCT)
        for plan in ("free", "pro", "business"):
            catalog.find_plan(plan)
    except DomainError as error:
        raise NoPriceList(f"{error.detail}: apply examples/catalog.yaml first") from None
    known = set(ProductService.objects.values_list("key", flat=True))
    for service in services:
        if service.key not in known:
            raise NoPriceList(f"the catalog has no product service {service.key}")


def _make_login(login: Login) -> None:
    user, _ = User.objects.get_or_create(username=login.username)
    user.is_staff = user.is_active = True
    user.is_superuser = not login.group
    if not user.check_password(login.password):
        user.set_password(login.password)
    user.save()
    user.groups.set(Group.objects.filter(name=login.group))


def _make_client(
    key: str, name: str, *, scopes: Sequence[Scope], product_service: str | None = None
) -> DemoClient:
    """Make a client, or give the one there is a new secret in the place of all it had."""
    now = clock.system_now()
    found = Client.objects.filter(key=key).first()
    if found is None:
        made = identity.create_client(
            name=name, scopes=scopes, now=now, key=key, product_service=product_service
        )
    else:
        for secret in ClientSecret.objects.unrevoked().filter(client=found):
            identity.revoke_secret(secret_id=secret.id, now=now)
        identity.enable_client(client_id=found.id, now=now)
        identity.change_scopes(client_id=found.id, scopes=scopes)
        made = identity.add_secret(client_id=found.id, now=now)
    return DemoClient(made.client.id, made.text, sorted(str(scope) for scope in scopes))


def _register(service: DemoService) -> None:
    """Configure a product service, with exactly the given secret; it is called again if its own
    answer, such as a 401, had stopped that."""
    row = ProductService.objects.get(key=service.key)
    provisioning.configure_service(service_id=row.id, url=service.url, sandbox=True)
    _register_secret(row, service)
    stopped = ServiceConfiguration.objects.filter(service=row, stopped_because__startswith="answer")
    if stopped.exists():
        provisioning.resume_service(service_id=row.id)


def _register_secret(row: ProductService, service: DemoService) -> None:
    live = list(ServiceSecret.objects.live().filter(configuration__service=row))
    if [_opened(secret) for secret in live] == [service.secret]:
        return
    for secret in live:
        provisioning.revoke_secret(service_id=row.id, secret_id=secret.id)
    provisioning.add_secret(service_id=row.id, secret=service.secret)


def _opened(secret: ServiceSecret) -> str | None:
    try:
        candidates = [settings.SECRET_KEY]
        plain = sealing.unseal(bytes(secret.sealed), name=secret.id, secret_candidates=candidates)
    except sealing.Unreadable:
        return None
    return plain.decode()


def _make_customers() -> None:
    """Make customers once: what a visitor did with them since stays."""
    if not Customer.objects.filter(key="demo").exists():
        _make_customer("demo", "Demo Company", {"shop.example": "pro", "blog.example": "free"})
    if not Customer.objects.filter(key="time-traveler").exists():
        made = clocks.create_clock(frozen_at=TRAVEL_BEGINS_AT, name="Demo: stands still")
        plans = {"travel.example": "business"}
        _make_customer("time-traveler", "Time Traveler", plans, test_clock_id=made.id)


def _make_customer(
    key: str, name: str, plans: Mapping[str, str], *, test_clock_id: str | None = None
) -> None:
    """Zones begin on the default plan and are upgraded, so that there is a story to look at."""
    customer = customers.create_customer(
        key=key,
        currency="USD",
        name=name,
        email=f"{key}@shop.example",
        test_clock_id=test_clock_id,
    )
    zones = customers.create_subjects(
        customer_id=customer.id, subjects=[NewSubject(ZONE, zone) for zone in plans]
    )
    for zone in zones:
        if plans[zone.key or ""] != DEFAULT_PLAN:
            subscriptions.put(
                customer_id=customer.id,
                subject_id=zone.id,
                product_id=catalog.find_product(ZONE_PRODUCT).id,
                wanted=subscriptions.Wanted(catalog.find_plan(plans[zone.key or ""]).id),
            )
