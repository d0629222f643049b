"""One customer on a clock of its own: what is asked of it, and everything that can be seen."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core import clock
from core.models import Event
from provisioning.models import Target
from tests.scenarios.life.money import Entry, read
from tests.world import World

# Of a subscription that is shown as of another instant, these are always those of now.
OF_NOW = ("version", "updated_at", "metadata")
# What a preview says of a charge.
CHARGED = (
    "item", "price", "version", "quantity", "part", "kind", "amount", "settlement",
    "period_start", "period_end", "unit_price", "explanation", "due_at",
)  # fmt: skip


def written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Answer:
    """What a request was answered with; ``problem`` is the code of a refusal, else empty."""

    status: int
    body: dict[str, Any]
    is_replay: bool = False

    @property
    def problem(self) -> str:
        return str(self.body["code"]) if self.status >= 400 else ""


@dataclass(frozen=True)
class Look:
    """All that can be seen of a customer at one moment; two looks are equal if nothing happened."""

    page: dict[str, Any]
    others: list[dict[str, Any]]
    timeline: list[dict[str, Any]]
    charges: list[dict[str, Any]]
    credits: list[dict[str, Any]]
    balances: list[dict[str, Any]]
    blocks: list[dict[str, Any]]
    customer: dict[str, Any]
    entitlements: list[dict[str, Any]]
    documents: dict[str, Any]
    events: int

    @property
    def balance(self) -> int:
        return sum(each["amount"] for each in self.balances)

    def net(self, subscription: str) -> int:
        """What was charged of a subscription, less what was given back."""
        return sum(
            each["amount"]["amount"]
            for each in self.charges
            if each["kind"] != "forfeited" and each["subscription"] == subscription
        )

    def pending(self, kind: str) -> bool:
        return any(each["kind"] == kind for each in self.page["pending"])


@dataclass
class Desk:
    """Asks for one customer, as staff or as the customer's own caller."""

    world: World
    customer: str
    owner: str
    subscription: str
    product: str
    own_token: str
    entries: dict[str, Entry] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: Any = None, *, own: bool = False, key: str = ""
    ) -> Answer:
        """Ask for something that may be refused; nothing is ever answered with a failure."""
        answer = self.world.client.generic(
            method,
            f"/v1/{path}",
            data=b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers={
                "Authorization": f"Bearer {self.own_token if own else self.world.token}",
                "X-Reason": "a life",
                **({"Idempotency-Key": key} if key else {}),
            },
        )
        assert answer.status_code < 500, answer.content
        if answer.status_code >= 400:
            assert answer["Content-Type"].startswith("application/problem+json"), answer.content
            assert answer.json()["code"], answer.content
        replayed = answer.headers.get("Idempotent-Replayed") == "true"
        return Answer(answer.status_code, answer.json(), replayed)

    @property
    def path(self) -> str:
        return f"subscriptions/{self.subscription}"

    @property
    def now(self) -> datetime:
        return read(self.world.get(f"test-clocks/{self.world.clock_id}")["frozen_at"])

    def page(self, **query: Any) -> dict[str, Any]:
        return self.world.get(self.path, **query)

    def page_at(self, at: datetime, **query: Any) -> dict[str, Any] | None:
        """The subscription at an instant; None where there was none."""
        told = {"at": written(at), **query}
        answer = self.world.client.get(
            f"/v1/{self.path}", told, headers={"Authorization": f"Bearer {self.world.token}"}
        )
        assert answer.status_code in (200, 404), answer.content
        if answer.status_code == 404:
            assert answer.json()["code"] == "nothing_then", answer.content
            return None
        return dict(answer.json())

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All rows of a list, page by page."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, Any] = {}
        while True:
            page = self.world.get(path, limit=100, **query, **cursor)
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    def entitlements(self, at: datetime | None = None) -> list[dict[str, Any]]:
        query = {"subject": self.owner} if self.owner != self.customer else {}
        query |= {"at": written(at)} if at else {}
        return list(self.world.get(f"customers/{self.customer}/entitlements", **query)["data"])

    def check(self, features: list[str]) -> list[dict[str, Any]]:
        whose = {"subject" if self.owner != self.customer else "customer": self.owner}
        asked = [{**whose, "feature": f"{self.product}_{each}"} for each in features]
        found = self.world.post("entitlements/check", checks=asked)["results"]
        return [dict(each["check"]) for each in found]

    def entries_of(self, timeline: list[dict[str, Any]]) -> list[Entry]:
        """The lines of a timeline with the subscription's page at each; what is written stays."""
        found = []
        for line in timeline:
            if line["id"] in self.entries:
                found.append(self.entries[line["id"]])
                continue
            page = self.page_at(read(line["starts_at"]))
            assert page is not None, line
            entry = Entry(line, page)
            if line["id"]:
                self.entries[line["id"]] = entry
            found.append(entry)
        return found

    def look(self) -> Look:
        customer = f"customers/{self.customer}"
        subject = {"subject_id": self.owner} if self.owner != self.customer else {"subject": None}
        targets = Target.objects.filter(customer_id=self.customer, **subject)
        others = self.rows("subscriptions", customer=self.customer)
        return Look(
            page=self.page(),
            others=[each for each in others if each["id"] != self.subscription],
            timeline=self.rows(f"{self.path}/timeline"),
            charges=self.rows(f"{customer}/charges")[::-1],
            credits=self.rows(f"{customer}/credits")[::-1],
            balances=self.world.get(f"{customer}/credit-balance")["balances"],
            blocks=self.rows(f"{customer}/blocks"),
            customer=self.world.get(customer),
            entitlements=self.entitlements(),
            documents={each.service.key: each.desired_content for each in targets},
            events=Event.objects.filter(customer_id=self.customer).count(),
        )


@dataclass(frozen=True)
class Sample:
    """What was answered about an instant at a moment of the machine's time."""

    at: datetime
    known_at: datetime
    page: dict[str, Any]


def standing_blocks(look: Look, desk: Desk, now: datetime) -> list[dict[str, Any]]:
    """The blocks that are in effect and cover the subscription."""
    return [
        each
        for each in look.blocks
        if read(each["from"]) <= now
        and (each["until"] is None or now < read(each["until"]))
        and (each["lifted_at"] is None or now < read(each["lifted_at"]))
        and each["subscription"] in (None, desk.subscription)
    ]


def sample(page: dict[str, Any], at: datetime) -> Sample:
    return Sample(at, clock.system_now(), page)


def without(page: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in page.items() if name not in names}


def in_short(charges: list[dict[str, Any]]) -> list[str]:
    """Charges as both a preview and a list show them, in one order."""
    return sorted(str({name: each[name] for name in CHARGED}) for each in charges)


def as_text(value: Any) -> str | None:
    return None if value is None else str(value)
