"""The club: a price list for stories about time, and short words for what its stories do."""

from pathlib import Path
from typing import Any

from tests.world import World, instant

PRICES = Path(__file__).parent / "club.yaml"


class Club:
    """One customer with one club on a plan, in the customer's time, where its ``PRICES`` are."""

    def __init__(self, world: World, since: str, **customer: Any) -> None:
        self.world = world
        world.starts_on(since)
        self.customer = world.customer("ada", **customer)
        self.id = self.another("club")
        self.subscription = world.subscription(self.id)["id"]

    def another(self, key: str) -> str:
        path = f"customers/{self.customer}/subjects"
        made = self.world.post(path, status=201, key=key, kind="club")
        return str(made["resource"]["id"])

    def do(self, verb: str, status: int = 200, **body: Any) -> dict[str, Any]:
        return self.world.post(f"subscriptions/{self.subscription}/{verb}", status=status, **body)

    def refused(self, verb: str, status: int, **body: Any) -> str:
        return str(self.do(verb, status=status, **body)["code"])

    def on(self, plan: str, **more: Any) -> dict[str, Any]:
        return self.do("change", plan=plan, **more)

    def now(self) -> dict[str, Any]:
        return self.world.get(f"subscriptions/{self.subscription}")

    def at(self, text: str, **query: Any) -> dict[str, Any]:
        query = {"at": instant(text), **query}
        return self.world.get(f"subscriptions/{self.subscription}", **query)

    def timeline(self, **query: Any) -> list[dict[str, Any]]:
        path = f"subscriptions/{self.subscription}/timeline"
        return list(self.world.get(path, **query)["data"])

    def charged(self) -> list[str]:
        """The charges so far in short, oldest first: ``2026-01-10 advance 31.00``."""
        path = f"subscriptions/{self.subscription}/charges"
        rows = self.world.get(path, limit=100)["data"]
        return [
            f"{row['at'][:10]} {row['kind']} {row['amount']['amount'] / 100:.2f}"
            for row in sorted(rows, key=lambda row: (row["at"], row["amount"]["amount"]))
        ]

    def net(self) -> float:
        """What was charged so far, less what was given back, in dollars."""
        rows = self.world.get(f"subscriptions/{self.subscription}/charges", limit=100)["data"]
        money = [row["amount"]["amount"] for row in rows if row["kind"] != "forfeited"]
        return sum(money) / 100

    def value(self, feature: str = "club_visits") -> str:
        return str(self.world.check(feature, subject=self.id)["value"])

    def told(self) -> list[str]:
        return [
            each.removeprefix("subscription.")
            for each in self.world.events(self.customer, self.id)
            if each.startswith("subscription.")
        ]


def period(shown: dict[str, Any]) -> tuple[str, str]:
    """The open period in short: ``("2026-01-10", "2026-02-10")``."""
    return short(shown["period_start"]), short(shown["period_end"])


def short(text: str | None) -> str | None:
    return text and text.removesuffix("T00:00:00Z")


def pending(shown: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(each["kind"], short(each["effective_at"])) for each in shown["pending"]]
