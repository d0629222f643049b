"""Addresses of product services: every spelling of a place inside is refused when it is saved."""

from collections.abc import Iterator
from typing import Any

import pytest

from core.principals import Scope
from plans.models import ProductService
from provisioning import policy
from tests.hardening.door import Door
from tests.world import World

INSIDE = [
    "http://127.0.0.1/",
    "https://127.0.0.1/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://foo.localhost/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://0177.0000.0000.0001/",
    "https://%31%32%37.0.0.1/",
    "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",  # full-width digits
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",
    "https://ⓛocalhost/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::1%25lo]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:a:b:c:d:80ff:fffe]/",
    "https://169.254.169.254/latest/meta-data",
    "https://2852039166/",
    "https://0xA9FEA9FE/",
    "https://0251.0376.0251.0376/",
    "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:a9fe:a9fe::]/",
    "https://[fd00:ec2::254]/",
    "https://metadata.google.internal/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.0.1/",
    "https://100.64.0.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
]
ODD = [
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "//example.com/",
    "https:example.com",
    "https:///example.com",
    "https://",
    "https://user:secret@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1#@example.com/",
    "https://127.0.0.1\\@example.com/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:/",
    "https://example.com/ x",
    " https://example.com/",
    "https://[::1/",
    "https://a..b/",
]


@pytest.fixture
def service(door: Door, settings: Any) -> Iterator[str]:
    """A service of the catalog, under an operator who allows one name and no address."""
    settings.PRODUCT_SERVICE_HOSTS = ["example.com"]
    settings.PRODUCT_SERVICE_NETWORKS = []
    policy.operator_policy.cache_clear()
    World(door.client, token=door.token).open()
    yield str(ProductService.objects.get(key="edge").id)
    policy.operator_policy.cache_clear()


def test_every_spelling_of_a_place_inside_is_refused(door: Door, service: str) -> None:
    path = f"/v1/product-services/{service}"
    for url in [*INSIDE, *ODD]:
        assert door.refuses("PUT", path, {"url": url}) == (400, "destination_refused"), url
        assert door.refuses("PATCH", path, {"url": url})[0] == 400, url
    assert door.gets(path)["url"] is None

    assert door.knock("PUT", path, {"url": "https://example.com/hooks"}).status_code == 200
    for url in INSIDE:
        assert door.refuses("PATCH", path, {"url": url}) == (400, "destination_refused"), url
    assert door.gets(path)["url"] == "https://example.com/hooks"


def test_only_who_operates_services_may_say_where_they_are(door: Door, service: str) -> None:
    token = World(door.client).token_for([Scope.PROVISIONING_READ])

    refused = door.refuses(
        "PUT", f"/v1/product-services/{service}", {"url": "https://example.com/"}, token=token
    )

    assert refused == (403, "scope_missing")
