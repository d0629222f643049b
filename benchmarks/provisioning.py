"""How long from a plan change to the product service that has it?

    python -m benchmarks.provisioning --url http://127.0.0.1:8000 --service http://127.0.0.1:9001 \
        --client-id cli_… --client-secret …

Works on a running platform with the sample price list and the sample product service `edge`
(`bin/run` prints the four values). It makes customers and zones on Free, waits until they are
provisioned, then takes each zone to Pro, once, at a steady rate that does not wait for answers. The
product service says when it applied each: no polling disturbs the measurement. Both clocks must be
the same, so both sides run on one machine. The goals are from the commit on, so from the answer,
which comes right after it. Customers and zones stay; use a throw-away platform.
"""

import argparse
import json
import secrets
import statistics
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

SENDERS = 16
ZONES_PER_CUSTOMER = 50
GIVE_UP_SECONDS = 120.0
P50_GOAL, P99_GOAL = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Change:
    """One plan change: when it was sent and when its answer came, after the commit."""

    zone: str
    sent_at: float
    answered_at: float


class Api:
    """The platform, over one kept-alive connection per thread."""

    def __init__(self, url: str, client_id: str, client_secret: str) -> None:
        self._address = urlsplit(url)
        self._local = threading.local()
        named = {"grant_type": "client_credentials", "client_id": client_id}
        body = urlencode({**named, "client_secret": client_secret}).encode()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        token = self._call("POST", "/oauth/token", body, form)["access_token"]
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def get(self, path: str) -> Any:
        return self._call("GET", f"/v1/{path}", None, self._headers)

    def post(self, path: str, **body: Any) -> Any:
        return self._call("POST", f"/v1/{path}", json.dumps(body).encode(), self._headers)

    def _call(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        if not hasattr(self._local, "connection"):
            self._local.connection = HTTPConnection(self._address.netloc, timeout=30)
        connection: HTTPConnection = self._local.connection
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            text = answer.read()
        except (HTTPException, OSError):
            connection.close()
            raise
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode()[:500]}")
        return json.loads(text)


class Service:
    """The sample product service, which says what it holds since when."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)

    def applied_at(self, *, generation: int) -> dict[str, float]:
        """Return the instants at which subjects got a generation that they still have."""
        connection = HTTPConnection(self._address.netloc, timeout=30)
        connection.request("GET", "/held")
        held = json.load(connection.getresponse())["data"]
        connection.close()
        return {
            each["subject"]["id"]: datetime.fromisoformat(each["applied_at"]).timestamp()
            for each in held
            if each["subject"] is not None and each["generation"] == generation
        }

    def wait_for(self, zones: Sequence[str], *, generation: int) -> dict[str, float]:
        """Return when each of the zones got the generation.

        :raises SystemExit: if one has not got it two minutes after we began to wait
        """
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while True:
            applied = self.applied_at(generation=generation)
            missing = set(zones) - applied.keys()
            if not missing:
                return applied
            if time.monotonic() > give_up_at:
                sys.exit(f"{len(missing)} of {len(zones)} zones were not provisioned")
            time.sleep(0.5)


def make_zones(api: Api, number: int) -> list[str]:
    """Make customers with zones on Free, and return the zones."""
    run = secrets.token_hex(4)
    zones: list[str] = []
    while len(zones) < number:
        key = f"bench-{run}-{len(zones)}"
        customer = api.post("customers", key=key, currency="USD")["resource"]["id"]
        wanted = min(ZONES_PER_CUSTOMER, number - len(zones))
        subjects = [{"key": f"{key}-{place}.example", "kind": "zone"} for place in range(wanted)]
        made = api.post(f"customers/{customer}/subjects/bulk", subjects=subjects)
        zones += [each["id"] for each in made["resource"]["data"]]
    return zones


def subscriptions_of(api: Api, zones: Sequence[str]) -> list[str]:
    return [api.get(f"subscriptions?subject={zone}")["data"][0]["id"] for zone in zones]


def change_all(
    api: Api, zones: Sequence[str], subscriptions: Sequence[str], *, per_second: float
) -> list[Change]:
    """Take every zone to Pro, one after another in time, however long the answers take.

    Zones of one customer are kept apart: in real life it is not one customer who changes it all.
    """
    order = sorted(range(len(zones)), key=lambda place: place % ZONES_PER_CUSTOMER)
    begins_at = time.time() + 0.5

    def change(turn: int) -> Change:
        at = begins_at + turn / per_second
        time.sleep(max(at - time.time(), 0))
        place = order[turn]
        sent_at = time.time()
        api.post(f"subscriptions/{subscriptions[place]}/change", plan="pro")
        return Change(zones[place], sent_at, time.time())

    with ThreadPoolExecutor(SENDERS) as threads:
        return list(threads.map(change, range(len(order))))


def percentiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """Return the median, the 99th percentile and the most."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return cuts[49], cuts[98], max(seconds)


def report(changes: Sequence[Change], applied: Mapping[str, float]) -> bool:
    """Print how long it took; tell whether the goals were met."""
    whole = [applied[each.zone] - each.sent_at for each in changes]
    after = [max(applied[each.zone] - each.answered_at, 0) for each in changes]
    answers = [each.answered_at - each.sent_at for each in changes]
    took = max(each.sent_at for each in changes) - min(each.sent_at for each in changes)
    print(f"{len(changes)} changes, {len(changes) / max(took, 0.001):.1f} a second\n")
    print(f"| {'milliseconds':<42} | p50 | p99 | most |")
    print("|---|---|---|---|")
    for name, seconds in [
        ("request sent → its answer (after the commit)", answers),
        ("request sent → applied at the service", whole),
        ("answer → applied at the service", after),
    ]:
        shown = " | ".join(f"{1000 * each:.0f}" for each in percentiles(seconds))
        print(f"| {name} | {shown} |")
    p50, p99, _ = percentiles(after)
    return p50 <= P50_GOAL and p99 <= P99_GOAL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--url", required=True, help="the platform")
    parser.add_argument("--service", required=True, help="the sample product service of edge")
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--client-secret", required=True)
    parser.add_argument("--per-second", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    api = Api(given.url, given.client_id, given.client_secret)
    service = Service(given.service)
    zones = make_zones(api, round(given.per_second * given.seconds))
    subscriptions = subscriptions_of(api, zones)
    service.wait_for(zones, generation=1)
    changes = change_all(api, zones, subscriptions, per_second=given.per_second)
    applied = service.wait_for(zones, generation=2)
    if not report(changes, applied):
        sys.exit(f"missed: p50 ≤ {P50_GOAL} s and p99 ≤ {P99_GOAL} s")


if __name__ == "__main__":
    main()
