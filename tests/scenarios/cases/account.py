"""One customer of the cases, and everything that is checked whenever it acts or time passes."""

from collections.abc import Sequence
from typing import Any

from tests.world import World

Json = dict[str, Any]

# Of these commands a change set can show what they will do.
_PREVIEWED = ("change", "cancel", "uncancel", "pause", "resume", "anchor", "add-ons")
_MOVING = {"version", "updated_at", "projected", "pending", "metadata"}
_CHARGE = ("item", "price", "version", "quantity", "part", "kind", "amount", "settlement")
_TERMS = ("plan", "plan_version", "interval", "quantity", "add_ons", "state", "billed", "zone")
_PERIOD = ("anchor", "period_start", "period_end", "trial_end")


class Account:
    """A customer with one subscription; ``another`` is a further one of the same customer."""

    def __init__(self, world: World, key: str) -> None:
        self.world = world
        self.key = key
        self.now = ""
        self.customer = ""
        self.subject: str | None = None
        self.subscription = ""
        self.warned: list[str] = []
        self._foretold: Json | None = None
        self._seen: dict[str, Json] = {}
        self._next_invoice: Json | None = None
        self._has_acted = True

    # What a story does

    def opens(self, **customer: Any) -> None:
        self.customer = self.world.customer(self.key, **customer)

    def places(self, kind: str) -> None:
        """Become the holder of a subject, which is on its product's default plan."""
        if not self.customer:
            self.opens()
        path = f"customers/{self.customer}/subjects"
        key = f"{kind}-{len(self.world.get(path)['data'])}"
        made = self.world.post(path, status=201, key=key, kind=kind)
        self.subject = made["resource"]["id"]
        self.subscription = self.world.subscription(made["resource"]["id"])["id"]

    def has_a_card(self) -> None:
        self.world.put(f"customers/{self.customer}/payment-method", on_file=True)

    def subscribes(self, plan: str, status: int = 201, **how: Any) -> Json:
        """Subscribe; where more is agreed than what and how many, once it is previewed."""
        if not self.customer:
            self.opens()
        asked = {"customer": self.customer, "plan": plan, **how}
        if self.subject is not None:
            asked["subject"] = self.subject
        shown = None
        if how.keys() - {"interval", "quantity", "add_ons"}:
            shown = self._previewed({"operations": [{"subscribe": asked}]}, status)
        answer = self.world.post("subscriptions", status=status, **asked)
        if status < 300:
            self.subscription = answer["resource"]["id"]
            self._is_as_shown(shown, answer["resource"], before=[])
        return answer

    def restores(self) -> Json:
        self._changes()
        return self.world.post(f"customers/{self.customer}/restore")

    def unschedules(self, change: str) -> None:
        self._changes()
        self.world.delete(f"subscriptions/{self.subscription}/schedule/{change}")

    def another(self, kind: str) -> "Account":
        """A further subject of this customer, with a subscription of its own."""
        other = Account(self.world, self.key)
        other.customer, other.now = self.customer, self.now
        other.places(kind)
        return other

    def do(self, verb: str, status: int = 200, **body: Any) -> Json:
        """Run a command, once it is previewed; what is refused is refused to both."""
        path = f"subscriptions/{self.subscription}"
        shown, before = None, []
        if verb in _PREVIEWED:
            operation = {name: value for name, value in body.items() if name != "reason"}
            operations = [{verb.replace("-ons", "_on"): operation}]
            asked = {"subscription": self.subscription, "operations": operations}
            before = self._charges()
            shown = self._previewed({**asked, "reason": "asked for"}, status)
        answer = self.world.post(f"{path}/{verb}", status=status, **body)
        if status < 300:
            since = body.get("effective_at") or body.get("access_end") or self.now
            self._seen = {at: row for at, row in self._seen.items() if at < since}
            self._is_as_shown(shown, answer["resource"], before=before)
        return answer

    def refused(self, verb: str, status: int, **body: Any) -> str:
        return str(self.do(verb, status=status, **body)["code"])

    # What a story reads

    def shown(self, **query: Any) -> Json:
        return self.world.get(f"subscriptions/{self.subscription}", **query)

    def stands(self) -> tuple[str, str]:
        now = self.shown()
        return now["plan"], now["state"]

    def period(self) -> tuple[str, str]:
        now = self.shown()
        return _short(now["period_start"]), _short(now["period_end"])

    def pending(self) -> list[tuple[str, str]]:
        return [(each["kind"], _short(each["effective_at"])) for each in self.shown()["pending"]]

    def charged(self, since: str = "") -> list[str]:
        """Charges from an instant on, oldest first: ``2025-01-10 advance 31.00``."""
        rows = [each for each in self._charges() if _short(each["at"]) >= since]
        return [_told(each) for each in sorted(rows, key=_order)]

    def net(self) -> float:
        """What was charged so far, less what was given back."""
        rows = self._charges()
        return _net(rows) / 100

    def balance(self) -> float:
        found = self.world.get(f"customers/{self.customer}/credit-balance")["balances"]
        cents: int = sum(each["amount"] for each in found)
        return cents / 100

    def value(self, feature: str = "reads") -> str | None:
        """How many of a feature may be used; None where it is denied."""
        owner = {"customer": self.customer} | ({"subject": self.subject} if self.subject else {})
        found = self.world.check(feature, **owner)
        return found["value"] if found["allowed"] else None

    # What is checked of every story

    def waits(self, until: str) -> None:
        """Remember what stands, and what is foretold for the instant that is waited for."""
        if not self.subscription:
            return
        if self._has_acted:
            self._seen[self.now] = self._state(at=self.now)
        self._has_acted = False
        self._foretold = self._state(at=until)

    def arrives(self, at: str) -> None:
        self.now = at
        if self._foretold is not None:
            assert _other(self._state(), self._foretold) == {}, "not as foretold"
        invoice = self._next_invoice
        if invoice is not None and invoice["at"] <= at:
            rows = [each for each in self._charges() if each["at"] == invoice["at"]]
            assert _net(rows) == invoice["amount"]["amount"], ("next_invoice", invoice, rows)
            self._next_invoice = None

    def looks_back(self) -> None:
        """The past is what was seen then, and the timeline what a read of then answers."""
        if not self.subscription:
            return
        for at, seen in self._seen.items():
            other = _other(self._state(at=at), seen)
            assert other == {}, ("the past reads otherwise", at, other)
        path = f"subscriptions/{self.subscription}/timeline"
        for line in self.world.get(path, limit=100)["data"]:
            if line["state"] == "canceled" or line["agreed"]:
                continue
            then = self._seen.get(line["starts_at"]) or self.shown(at=line["starts_at"])
            for name in (*_TERMS, *_PERIOD):
                assert then[name] == line[name], ("timeline", line["starts_at"], name)

    def leaves(self) -> None:
        """End what would go on to renew."""
        if self.subject is None and self.subscription and self.shown()["state"] != "canceled":
            path = f"subscriptions/{self.subscription}/cancel"
            self.world.post(path, when="now", reason="its story is told")

    def _state(self, **query: Any) -> Json:
        """The subscription without what only counts, and what may be used, with or without at=."""
        row = self.shown(**query)
        owner: Json = {"subject": self.subject} if self.subject else {}
        held = self.world.get(f"customers/{self.customer}/entitlements", **owner, **query)["data"]
        values = {
            each["feature"]: (each["allowed"], each["value"]) for each in held if each["value"]
        }
        standing = {name: value for name, value in row.items() if name not in _MOVING}
        return {**standing, "values": values}

    def _previewed(self, asked: Json, status: int) -> Json | None:
        made = self.world.call(
            "POST", "change-sets", status=201 if status < 300 else status, body=asked
        )
        return dict(made["resource"]["item"]) if status < 300 else None

    def _is_as_shown(self, shown: Json | None, now: Json, *, before: Sequence[Json]) -> None:
        self._changes()
        if shown is None:
            return
        known = {each["id"] for each in before}
        came = [each for each in self._charges() if each["id"] not in known]
        money = shown["preview"]["money"]
        self.warned = [each["code"] for each in shown["preview"]["warnings"]]
        assert _lines(came) == _lines(money["charges"]), "not the charges that were previewed"
        assert money["due_now"]["amount"] == max(_net(came), 0)
        for name in shown["after"].keys() & now.keys() - _MOVING - {"id"}:
            assert shown["after"][name] == now[name], ("not as previewed", name)
        self._next_invoice = money["next_invoice"]

    def _changes(self) -> None:
        """What was foretold of money does not hold any more."""
        self._has_acted, self._next_invoice = True, None

    def _charges(self) -> list[Json]:
        path = f"subscriptions/{self.subscription}/charges"
        return list(self.world.get(path, limit=100)["data"])


def _other(now: Json, then: Json) -> Json:
    """What is different."""
    return {name: (value, then[name]) for name, value in now.items() if value != then[name]}


def _lines(charges: Sequence[Json]) -> list[tuple[str, ...]]:
    return sorted(tuple(str(each[name]) for name in _CHARGE) for each in charges)


def _net(charges: Sequence[Json]) -> int:
    """What is asked with charges, in cents; what is forfeited moves no money."""
    return sum(each["amount"]["amount"] for each in charges if each["kind"] != "forfeited")


def _order(charge: Json) -> tuple[Any, ...]:
    return charge["at"], charge["item"] != "plan", charge["item"], charge["amount"]["amount"]


def _told(charge: Json) -> str:
    item = "" if charge["item"] == "plan" else f"{charge['item'].removeprefix('add_on:')} "
    amount = charge["amount"]["amount"] / 100
    return f"{_short(charge['at'])} {item}{charge['kind']} {amount:.2f}"


def _short(text: str) -> str:
    return text.removesuffix("T00:00:00Z").removesuffix(":00Z")
