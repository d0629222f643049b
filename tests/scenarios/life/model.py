"""What is expected of a command, from what the subscription's page says before it.

The rules of the documentation told again in their simplest form. What is not told here (several
parts at once, the past) is left to what must hold in any case.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tests.scenarios.life import prices
from tests.scenarios.life.money import read

RUNNING = ("active", "past_due")
BEGINNINGS = {"start", "billing_start", "resume"}
LENGTHS = {"week": 7, "month": 30, "year": 365}


@dataclass(frozen=True)
class Standing:
    """What a subscription is, as far as it is foretold; ``pending`` are the kinds of what is
    agreed, an add-on's with its key."""

    plan: str
    interval: str
    quantity: int
    add_ons: Mapping[str, int]
    states: frozenset[str]
    pending: frozenset[str]


@dataclass(frozen=True)
class Expected:
    """A refusal with one of some codes, or what the subscription is afterwards."""

    problem: str = ""
    after: Standing | None = None


@dataclass(frozen=True)
class Model:
    """A subscription before a command: its page, and what its customer's time is."""

    page: Mapping[str, Any]
    product: str
    now: datetime
    is_blocked: bool = False  # by a block with the effect change
    own: bool = False

    # --- what is there ---

    @property
    def plan(self) -> str:
        return bare(self.page["plan"])

    @property
    def state(self) -> str:
        return str(self.page["state"])

    @property
    def is_trying(self) -> bool:
        return self.page["trial_end"] is not None

    @property
    def standing(self) -> Standing:
        return Standing(
            self.plan,
            self.page["interval"],
            self.page["quantity"],
            {bare(key): each for key, each in self.page["add_ons"].items()},
            frozenset({self.state}),
            kinds(self.page),
        )

    @property
    def has_fallback(self) -> bool:
        return self.product != "box"

    def expects(self, verb: str, body: Mapping[str, Any]) -> Expected | None:
        """Return what comes of a command; None: that is not told here."""
        told = {
            "change": self._change,
            "add-ons": self._add_on,
            "cancel": self._cancel,
            "uncancel": self._uncancel,
            "pause": self._pause,
            "resume": self._resume,
        }
        if verb not in told:
            return None
        if self.product == "box" and "box_free" in body.values():
            return Expected("plan_not_found")
        if self.state == "canceled":
            says_what = verb != "change" or body.keys() & {
                "plan",
                "interval",
                "quantity",
                "add_ons",
            }
            return Expected("subscription_ended") if says_what else None
        return told[verb](body)

    # --- change ---

    def _add_on(self, body: Mapping[str, Any]) -> Expected | None:
        return self._change({"add_ons": {body["add_on"]: body["quantity"]}})

    def _change(self, body: Mapping[str, Any]) -> Expected | None:
        parts = body.keys() & {"plan", "quantity", "add_ons"} | ({"plan"} & {*_main(body)})
        if len(parts) != 1 or len(body.get("add_ons", "x")) != 1:
            return None
        if "effective_at" in body and read(body["effective_at"]) < self.now:
            return None
        plan = bare(body["plan"]) if "plan" in body else self.plan
        if plan not in prices.PLANS or (plan, self.product) == ("free", "box"):
            return None
        interval = body.get("interval") or self._interval_of(plan)
        refused = self._refuses(plan, interval, body)
        if refused:
            return Expected(refused)
        if parts == {"plan"}:
            return self._change_plan(plan, interval, body)
        return self._change_part(body)

    def _interval_of(self, plan: str) -> str:
        sold = prices.sold(plan)
        return self.page["interval"] if self.page["interval"] in sold else sold[0]

    def _refuses(self, plan: str, interval: str, body: Mapping[str, Any]) -> str:
        if interval not in prices.sold(plan):
            return "interval_not_sold"
        least, most, _ = prices.PLANS[plan].seats or (1, 1, 1)
        if not least <= body.get("quantity", least) <= most:
            return "quantity_not_allowed"
        for key, wanted in body.get("add_ons", {}).items():
            refused = self._refuses_add_on(bare(key), wanted, plan, interval)
            if refused:
                return refused
        return ""

    def _refuses_add_on(self, key: str, wanted: int, plan: str, interval: str) -> str:
        if not wanted:
            return ""
        if wanted > prices.ADD_ONS[key].most:
            return "quantity_not_allowed"
        if plan in prices.ADD_ONS[key].included_in:
            return "add_on_included"
        if not prices.fits(key, plan, interval):
            return "add_on_not_available"
        is_new = key not in self.standing.add_ons
        return "subscription_paused" if is_new and self.state == "paused" else ""

    def _change_plan(self, plan: str, interval: str, body: Mapping[str, Any]) -> Expected | None:
        if (plan, interval) == (self.plan, self.page["interval"]):
            return Expected("nothing_to_change")
        before, after = prices.PLANS[self.plan], prices.PLANS[plan]
        up = after.rank > before.rank
        if self.own and self.is_blocked and up:
            return Expected("blocked")
        if not self._is_now(up or self._is_longer(interval, before, after), body):
            taken = set() if body.get("keep_pending") else {"end", "billing_end"}
            pending = self.standing.pending - taken | {"plan"}
            return Expected(after=replace(self.standing, pending=pending))
        return Expected(after=self._on(plan, interval, keeps=body.get("keep_pending", False)))

    def _is_longer(self, interval: str, before: prices.Plan, after: prices.Plan) -> bool:
        shorter = LENGTHS[interval] < LENGTHS[self.page["interval"]]
        return before.rank == after.rank and not shorter

    def _is_now(self, by_rule: bool, body: Mapping[str, Any]) -> bool:
        if "effective_at" in body:
            return read(body["effective_at"]) == self.now
        if "timing" in body:
            return bool(body["timing"] == "now")
        return by_rule or self.state == "pending"

    def _on(self, plan: str, interval: str, *, keeps: bool) -> Standing:
        """What it is on another plan: with as many as that allows, and the add-ons it has."""
        seats = prices.PLANS[plan].seats
        quantity = prices.PLANS[plan].default_quantity
        if seats and prices.PLANS[self.plan].seats:
            quantity = max(seats[0], min(seats[1], self.page["quantity"]))
        states = {self.state}
        if self.state == "trialing" and plan == "free":
            states = {"active"}
        if (self.state, self.plan) == ("active", "free") and prices.PLANS[plan].trial_days:
            states = {"active", "trialing"}
        taken = set() if keeps else {"plan", "end", "billing_end"}
        held = self.standing
        kept = {key: n for key, n in held.add_ons.items() if prices.fits(key, plan, interval)}
        pending = held.pending - taken
        return Standing(plan, interval, quantity, kept, frozenset(states), pending)

    def _change_part(self, body: Mapping[str, Any]) -> Expected:
        """More acts now and less at renewal; in a trial, and before the start, less does too."""
        held = self.standing
        if "quantity" in body:
            name, before, wanted = "quantity", held.quantity, body["quantity"]
        else:
            ((key, wanted),) = body["add_ons"].items()
            name = f"add_on:{bare(key)}"
            before = held.add_ons.get(bare(key), 0)
        if wanted == before:
            return Expected("nothing_to_change")
        if self.own and self.is_blocked and wanted > before:
            return Expected("blocked")
        if not self._is_now(wanted > before or self.is_trying, body):
            return Expected(after=replace(held, pending=held.pending | {name}))
        after = replace(held, pending=held.pending - {name})
        if name == "quantity":
            return Expected(after=replace(after, quantity=wanted))
        key = name.split(":")[1]
        others = {each: n for each, n in held.add_ons.items() if each != key}
        return Expected(
            after=replace(after, add_ons={**others, **({key: wanted} if wanted else {})})
        )

    # --- ends ---

    def _cancel(self, body: Mapping[str, Any]) -> Expected | None:
        if self.plan == "free":
            return Expected("already_on_fallback")
        if "access_end" in body and read(body["access_end"]) < self.now:
            return None
        credited = self.page["pause_mode"] == "credit" and "access_end" not in body
        at_once = body.get("when") == "now" or credited or self.state == "pending"
        if at_once or ("access_end" in body and read(body["access_end"]) == self.now):
            return Expected(after=self._fallen())
        kept = {each for each in self.standing.pending if each in BEGINNINGS}
        return Expected(after=replace(self.standing, pending=frozenset(kept | {"end"})))

    def _fallen(self) -> Standing:
        if self.has_fallback and self.state != "pending":
            return Standing("free", "month", 1, {}, frozenset({"active"}), frozenset())
        return replace(self.standing, states=frozenset({"canceled"}), pending=frozenset())

    def _uncancel(self, _body: Mapping[str, Any]) -> Expected:
        pending = self.standing.pending
        if "end" not in pending:
            return Expected("not_canceling")
        return Expected(after=replace(self.standing, pending=pending - {"end", "billing_end"}))

    def lost(self) -> Standing:
        """After the last try of a payment."""
        if self.state not in RUNNING or self.plan == "free":
            return self.unpaid()
        return self._fallen()

    def unpaid(self) -> Standing:
        states = {"past_due" if self.state in RUNNING else self.state}
        return replace(self.standing, states=frozenset(states))

    # --- pauses ---

    def _pause(self, body: Mapping[str, Any]) -> Expected:
        held = self.standing
        if self.state == "paused":
            return Expected(after=held)
        start = read(body["at"]) if "at" in body else self.now
        if start < self.now:
            return Expected("date_in_past")
        if "resumes_at" in body and read(body["resumes_at"]) <= start:
            return Expected("dates_out_of_order")
        if self.is_trying and body.get("mode") == "credit":
            return Expected("trial_is_extended")
        if self.state == "pending":
            return Expected("transition_not_allowed")
        ends = {"resume"} if "resumes_at" in body else set()
        if start > self.now:
            return Expected(after=replace(held, pending=held.pending | {"pause"} | ends))
        pending = held.pending - {"pause"} | ends
        return Expected(after=replace(held, states=frozenset({"paused"}), pending=pending))

    def _resume(self, body: Mapping[str, Any]) -> Expected | None:
        """What waited for the period's end may come with it: then it is not told here."""
        if "at" in body or self.standing.pending - {"resume"}:
            return None
        if self.state != "paused":
            return Expected(after=self.standing)
        states = {"trialing"} if self.is_trying else {"active", "past_due"}
        return Expected(after=replace(self.standing, states=frozenset(states), pending=frozenset()))

    # --- time ---

    def at(self, then: datetime) -> Standing | None:
        """What it is at a later instant, if at most one thing is agreed; renewals leave it."""
        held = self.standing
        if self.is_trying or len(self.page["pending"]) > 1:
            return None
        (agreed,) = self.page["pending"] or [None]
        if agreed is None or then < read(agreed["effective_at"]):
            return held
        if self.state not in RUNNING:
            return None
        none: frozenset[str] = frozenset()
        match agreed["kind"]:
            case "end":
                return self._fallen()
            case "plan" if self.plan != "free":
                return self._on(bare(agreed["plan"]), agreed["interval"], keeps=False)
            case "quantity":
                return replace(held, quantity=agreed["quantity"], pending=none)
            case "pause":
                return replace(held, states=frozenset({"paused"}), pending=none)
        return None


def _main(body: Mapping[str, Any]) -> list[str]:
    return ["plan"] if "interval" in body else []


def bare(key: str) -> str:
    """A plan's or an add-on's name without its product's."""
    return key.split("_", 1)[1]


def kinds(page: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        f"{each['kind']}:{bare(each['add_on'])}" if each["add_on"] else each["kind"]
        for each in page["pending"]
    )


def is_as(page: Mapping[str, Any], told: Standing) -> bool:
    """Tell whether a page shows what was told."""
    shown = (bare(page["plan"]), page["interval"], page["quantity"], kinds(page))
    add_ons = {bare(key): each for key, each in page["add_ons"].items()}
    wanted = (told.plan, told.interval, told.quantity, told.pending)
    return shown == wanted and add_ons == dict(told.add_ons) and page["state"] in told.states
