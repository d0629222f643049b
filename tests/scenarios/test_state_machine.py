"""Anything may be asked of a subscription, in any order, through the API, as its clock moves on."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core import invariants
from core.principals import Scope
from plans.services import apply_catalog
from tests.changes.conftest import Changes, _told
from tests.scenarios.life import prices
from tests.scenarios.life.model import Model, Standing, is_as
from tests.scenarios.life.money import Count, owed, read
from tests.scenarios.life.watch import Answer, Desk, Look, Sample, sample, without, written

NUMBERS = count()
OWN = [Scope.SUBSCRIPTIONS_READ, Scope.SUBSCRIPTIONS_WRITE, Scope.CUSTOMERS_READ]
STARTS = ["2024-01-31", "2024-02-29 12:00", "2025-03-29 23:30", "2025-08-30 22:00", "2026-01-10"]
SECOND = timedelta(seconds=1)
offers = st.sampled_from([(plan, each) for plan in prices.PLANS for each in prices.sold(plan)])
settlements = st.sampled_from(["credit", "credit", "credit", "refund", "none"])
prorations = st.sampled_from(["second", "second", "second", "day", "none"])


class Life(RuleBasedStateMachine):
    world: Changes
    desk: Desk
    seen: Look

    def __init__(self, world: Changes) -> None:
        super().__init__()
        self.world = world
        self.stack = ExitStack()
        self.stack.enter_context(_TakenBack())
        self.samples: list[Sample] = []
        self.is_plain = True  # all reductions were settled

    @initialize(
        product=st.sampled_from(prices.PRODUCTS),
        start=st.sampled_from(STARTS),
        zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
        offer=offers,
    )
    def begins(self, product: str, start: str, zone: str, offer: tuple[str, str]) -> None:
        world = self.world
        world.token = world.token_for([*Scope])
        world.starts_on(start)
        number = next(NUMBERS)
        customer = world.customer(f"c{number}", zone=zone)
        owner = customer
        if product != "box":
            path = f"customers/{customer}/subjects"
            made = world.post(path, status=201, key=f"s{number}", kind=product)
            owner = made["resource"]["id"]
            subscription = world.subscription(owner)["id"]
        else:
            plan = "basic" if offer[0] == "free" else offer[0]
            made = world.post("subscriptions", status=201, customer=customer, plan=f"box_{plan}")
            subscription = made["resource"]["id"]
        own = world.token_for(OWN, customer_id=customer)
        self.desk = Desk(world, customer, owner, subscription, product, own)
        self.product = product
        self.now = self.desk.now
        self.seen = self.desk.look()
        self.sees()

    # --- commands ---

    def tells(self, text: str) -> None:
        note(f"{written(self.now)} {text}")

    def key(self, name: str) -> str:
        return f"{self.product}_{name}"

    def does(
        self, method: str, path: str, body: Any = None, *, own: bool = False, twice: bool = False
    ) -> Answer:
        """Ask, and see that a refusal changed nothing, and that a repeat does not either."""
        key = f"k{next(NUMBERS)}" if twice else ""
        expected = self.model(own=own).expects(path.removeprefix(f"{self.desk.path}/"), body or {})
        self.tells(f"{method} {path} {body or ''} {'own' if own else ''}")
        answer = self.desk.ask(method, path, body, own=own, key=key)
        self.tells(f"   -> {answer.status} {answer.problem}")
        _check_deferred()
        if path == "subscriptions" and answer.status == 201:
            self.desk.subscription = answer.body["resource"]["id"]
            self.samples.clear()
        before, self.seen = self.seen, self.desk.look()
        if expected is not None:
            assert answer.problem == expected.problem
            if expected.after is not None:
                self.is_as(expected.after)
        if answer.problem:
            assert self.seen == before, "a refusal changes nothing"
            return answer
        if twice and not answer.problem:
            again = self.desk.ask(method, path, body, own=own, key=key)
            assert again.is_replay
            assert (again.status, again.body) == (answer.status, answer.body)
            assert self.desk.look() == self.seen, "a repeat changes nothing"
        self._append_only(before)
        self.sees()
        return answer

    def model(self, *, own: bool = False) -> Model:
        blocked = any("change" in each["effects"] for each in self.standing_blocks(self.seen))
        return Model(self.seen.page, self.product, self.now, is_blocked=blocked, own=own)

    def is_as(self, told: Standing) -> None:
        assert is_as(self.seen.page, told), (told, self.seen.page)

    @rule(data=st.data(), offer=offers, own=st.booleans(), twice=st.booleans())
    def changes(self, data: st.DataObject, offer: tuple[str, str], own: bool, twice: bool) -> None:
        body = data.draw(self.change_body(offer, own))
        self.does("POST", f"{self.desk.path}/change", body, own=own, twice=twice)

    def change_body(self, offer: tuple[str, str], own: bool) -> st.SearchStrategy[dict[str, Any]]:
        return self.sensible_change(offer, own) | self.any_change(offer, own)

    def sensible_change(
        self, offer: tuple[str, str], own: bool
    ) -> st.SearchStrategy[dict[str, Any]]:
        """One that mostly is not refused."""
        page = self.seen.page
        plan, interval = offer
        there = {"plan": self.key(plan), "interval": interval}
        asked = [st.just({**there, **each}) for each in self.parts(plan, interval)]
        here, paid_by = page["plan"].split("_", 1)[1], page["interval"]
        asked += [st.just(each) for each in self.parts(here, paid_by) if each]
        how = st.just({}) if own else self.how()
        return st.builds(lambda what, how: {**what, **how}, st.one_of(asked), how)

    def parts(self, plan: str, interval: str) -> list[dict[str, Any]]:
        seats = prices.PLANS[plan].seats
        found: list[dict[str, Any]] = [{}]
        found += [{"quantity": each} for each in range(seats[0], seats[1] + 1)] if seats else []
        for key, add_on in prices.ADD_ONS.items():
            if prices.fits(key, plan, interval):
                found += [{"add_ons": {self.key(key): n}} for n in range(min(add_on.most, 3) + 1)]
        return found

    def any_change(self, offer: tuple[str, str], own: bool) -> st.SearchStrategy[dict[str, Any]]:
        plan, interval = offer
        main = st.sampled_from(
            [
                {"plan": self.key(plan)},
                {"plan": self.key(plan), "interval": interval},
                {"interval": interval},
                {},
            ]
        )
        quantity = st.none() | st.integers(1, 10)
        add_ons = st.dictionaries(
            st.sampled_from([self.key(each) for each in prices.ADD_ONS]),
            st.integers(0, 3),
            max_size=2,
        )
        return st.builds(
            lambda main, quantity, add_ons, how: {
                **main,
                **({"quantity": quantity} if quantity else {}),
                **({"add_ons": add_ons} if add_ons else {}),
                **how,
            },
            main,
            quantity,
            st.just({}) | add_ons,
            st.just({}) if own else self.how(),
        )

    def how(self) -> st.SearchStrategy[dict[str, Any]]:
        return (
            st.just({})
            | st.fixed_dictionaries(
                {},
                optional={
                    "timing": st.sampled_from(["now", "period_end"]),
                    "anchor": st.sampled_from(["keep", "restart"]),
                    "proration": prorations,
                    "settlement": settlements,
                    "keep_pending": st.booleans(),
                },
            )
            | self.dates().map(lambda at: {"effective_at": written(at)})
        )

    def dates(self) -> st.SearchStrategy[datetime]:
        """Behind, now and ahead, often at an instant that means something."""
        page = self.seen.page
        known = {read(page[name]) for name in ("period_start", "period_end")}
        known |= {read(each["effective_at"]) for each in page["pending"]}
        known |= {read(each["starts_at"]) for each in self.seen.timeline}
        exact = st.sampled_from(sorted(known))
        near = st.tuples(exact, st.sampled_from([-SECOND, SECOND])).map(sum_of)
        other = st.integers(-20, 60).map(lambda days: self.now + timedelta(days=days))
        return exact | near | other

    @property
    def is_untouched(self) -> bool:
        """Whether nothing has happened to it yet at this instant."""
        return read(self.seen.timeline[-1]["starts_at"]) < self.now

    @rule(offer=offers, settlement=settlements, anchor=st.sampled_from(["keep", "restart"]))
    @precondition(
        lambda self: (
            self.seen.page["state"] in ("active", "past_due")
            and not self.seen.page["pending"]
            and self.is_untouched
        )
    )
    def goes_there_and_back(self, offer: tuple[str, str], settlement: str, anchor: str) -> None:
        """At one instant that is nothing: no money, no other anchor, no other period."""
        before, (plan, interval) = self.seen.page, offer
        net = self.net(self.seen)
        how = {"timing": "now", "settlement": settlement}
        there = {"plan": self.key(plan), "interval": interval, "anchor": anchor, **how}
        gone = self.does("POST", f"{self.desk.path}/change", there)
        if gone.problem:
            return
        names = ("plan", "interval", "quantity", "add_ons")
        back = {name: before[name] for name in names if before[name]}
        self.does("POST", f"{self.desk.path}/change", {**back, **how})
        after = self.seen.page
        moved = {name for name in before if before[name] != after[name]}
        assert moved <= {"version", "updated_at", "pending"}, moved
        assert self.net(self.seen) == net

    @rule(add_on=st.sampled_from([*prices.ADD_ONS]), quantity=st.integers(0, 6), own=st.booleans())
    @precondition(lambda self: self.seen.page["state"] != "canceled")
    def changes_an_add_on(self, add_on: str, quantity: int, own: bool) -> None:
        body = {"add_on": self.key(add_on), "quantity": quantity}
        self.does("POST", f"{self.desk.path}/add-ons", body, own=own)

    @rule(data=st.data(), own=st.booleans())
    def cancels(self, data: st.DataObject, own: bool) -> None:
        body: dict[str, Any] = data.draw(
            st.sampled_from([{}, {"when": "period_end"}])
            if own
            else st.fixed_dictionaries(
                {},
                optional={
                    "when": st.sampled_from(["now", "period_end"]),
                    "settlement": settlements,
                },
            )
            | self.dates().map(lambda at: {"access_end": written(at)})
        )
        self.does("POST", f"{self.desk.path}/cancel", body, own=own)

    @rule(own=st.booleans())
    @precondition(lambda self: any(each["kind"] == "end" for each in self.seen.page["pending"]))
    def uncancels(self, own: bool) -> None:
        answer = self.does("POST", f"{self.desk.path}/uncancel", {}, own=own)
        assert not answer.problem

    @rule(data=st.data())
    @precondition(lambda self: self.seen.page["state"] != "canceled")
    def pauses(self, data: st.DataObject) -> None:
        body: dict[str, Any] = data.draw(
            st.fixed_dictionaries({}, optional={"mode": st.sampled_from(["credit", "extend"])})
        )
        if data.draw(st.booleans()):
            body["at"] = written(data.draw(self.dates()))
        if data.draw(st.booleans()):
            body["resumes_at"] = written(data.draw(self.dates()))
        self.does("POST", f"{self.desk.path}/pause", body)

    @rule(data=st.data())
    @precondition(
        lambda self: (
            self.seen.page["state"] == "paused"
            or any(each["kind"] == "pause" for each in self.seen.page["pending"])
        )
    )
    def resumes(self, data: st.DataObject) -> None:
        body = data.draw(st.just({}) | self.dates().map(lambda at: {"at": written(at)}))
        self.does("POST", f"{self.desk.path}/resume", body)

    @rule(data=st.data())
    @precondition(lambda self: self.seen.page["state"] != "canceled")
    def moves_the_anchor(self, data: st.DataObject) -> None:
        body = data.draw(
            st.integers(1, 31).map(lambda day: {"day_of_month": day})
            | st.just({"calendar": True})
            | self.dates().map(lambda at: {"at": written(at)})
        )
        self.does("POST", f"{self.desk.path}/anchor", body)

    @rule(data=st.data())
    @precondition(lambda self: self.seen.page["state"] == "trialing")
    def moves_the_trial(self, data: st.DataObject) -> None:
        body = data.draw(
            st.sampled_from([{"extend_days": 3}, {"end_now": True}])
            | self.dates().map(lambda at: {"end": written(at)})
        )
        self.does("POST", f"{self.desk.path}/trial", body)

    @rule(data=st.data(), own=st.booleans())
    @precondition(lambda self: self.seen.page["pending"])
    def takes_one_change_back(self, data: st.DataObject, own: bool) -> None:
        change = data.draw(st.sampled_from([each["id"] for each in self.seen.page["pending"]]))
        self.does("DELETE", f"{self.desk.path}/schedule/{change}", own=own)

    @rule(data=st.data(), offer=offers)
    @precondition(lambda self: self.seen.page["state"] == "canceled" or self.is_free)
    def subscribes(self, data: st.DataObject, offer: tuple[str, str]) -> None:
        plan, interval = offer
        body: dict[str, Any] = {"customer": self.desk.customer, "plan": self.key(plan)}
        if self.product != "box":
            body["subject"] = self.desk.owner
        if data.draw(st.booleans()):
            body["interval"] = interval
        body |= data.draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "quantity": st.integers(1, 10),
                    "add_ons": st.just({self.key("guest"): 1}),
                    "trial_days": st.integers(0, 20),
                    "anchor": st.integers(1, 31).map(lambda day: {"day_of_month": day})
                    | st.just({"calendar": True})
                    | self.dates().map(lambda at: {"at": written(at)}),
                    "access_start": self.dates().map(written),
                    "billing_start": self.dates().map(written),
                    "ends_at": self.dates().map(written),
                },
            )
        )
        self.does("POST", "subscriptions", body)

    @property
    def is_free(self) -> bool:
        return bool(self.seen.page["plan"] == self.key("free"))

    @rule(final=st.booleans())
    def a_payment_fails(self, final: bool) -> None:
        body = {"subscriptions": [self.desk.subscription], "final": final}
        model = self.model()
        self.does("POST", f"customers/{self.desk.customer}/payment-failures", body)
        self.is_as(model.lost() if final else model.unpaid())

    @rule()
    @precondition(
        lambda self: any(
            each["name"] == "overdue" and each["lifted_at"] is None for each in self.seen.blocks
        )
    )
    def it_is_paid(self) -> None:
        body = {"subscriptions": [self.desk.subscription]}
        self.does("POST", f"customers/{self.desk.customer}/payment-recoveries", body)

    @rule(own=st.booleans())
    @precondition(
        lambda self: (
            self.seen.timeline[-1]["cause"] in ("past_due", "fallback", "canceled")
            or any(each["state"] == "canceled" for each in self.seen.others)
        )
    )
    def is_restored(self, own: bool) -> None:
        self.does("POST", f"customers/{self.desk.customer}/restore", {}, own=own)

    @rule(on_file=st.booleans())
    def a_payment_method_comes_or_goes(self, on_file: bool) -> None:
        path = f"customers/{self.desk.customer}/payment-method"
        self.does("PUT", path, {"on_file": on_file})

    @rule(
        data=st.data(),
        effects=st.sets(st.sampled_from(["access", "change"]), min_size=1),
        name=st.sampled_from(["fraud", "audit"]),
    )
    def is_blocked(self, data: st.DataObject, effects: set[str], name: str) -> None:
        body: dict[str, Any] = {"name": name, "effects": sorted(effects)}
        body |= data.draw(
            st.sampled_from(
                [
                    {},
                    {"subscription": self.desk.subscription},
                    {"product": self.product},
                    {"subject": self.desk.owner} if self.product != "box" else {},
                ]
            )
        )
        if data.draw(st.booleans()):
            body["until"] = written(data.draw(self.dates()))
        self.does("POST", f"customers/{self.desk.customer}/blocks", body)

    @rule(data=st.data())
    @precondition(lambda self: any(each["lifted_at"] is None for each in self.seen.blocks))
    def a_block_is_lifted(self, data: st.DataObject) -> None:
        standing = [each["id"] for each in self.seen.blocks if each["lifted_at"] is None]
        self.does("POST", f"blocks/{data.draw(st.sampled_from(standing))}/lift", {})

    # --- change sets ---

    @rule(data=st.data(), offer=offers)
    @precondition(lambda self: self.seen.page["state"] != "canceled")
    def previews_and_applies(self, data: st.DataObject, offer: tuple[str, str]) -> None:
        operation = st.one_of(
            self.change_body(offer, False).filter(bool).map(lambda body: {"change": body}),
            st.builds(
                lambda key, n: {"add_on": {"add_on": self.key(key), "quantity": n}},
                st.sampled_from([*prices.ADD_ONS]),
                st.integers(0, 3),
            ),
            st.sampled_from(
                [
                    {"cancel": {}},
                    {"cancel": {"when": "now"}},
                    {"uncancel": {}},
                    {"pause": {}},
                    {"pause": {"mode": "extend"}},
                    {"resume": {}},
                    {"anchor": {"day_of_month": 15}},
                    {"anchor": {"calendar": True}},
                    {"block": {"name": "set", "effects": ["access"]}},
                ]
            ),
        )
        operations = data.draw(st.lists(operation, min_size=1, max_size=2))
        body = {
            "subscription": self.desk.subscription,
            "operations": operations,
            "reason": "a life",
        }
        before = self.seen
        made = self.does("POST", "change-sets", body)
        assert replace(self.seen, events=0) == replace(before, events=0), "a preview does nothing"
        if made.problem:
            return
        self.applies(made.body["resource"], before)
        if data.draw(st.booleans()):
            before = self.seen
            path = f"change-sets/{made.body['resource']['id']}/undo"
            undo = self.does("POST", path, {})
            if not undo.problem:
                self.applies(undo.body["resource"], before)

    def applies(self, made: dict[str, Any], before: Look) -> None:
        """What happens is what was shown: money, entitlements, documents."""
        shown = made["item"]["preview"]
        applied = self.does("POST", f"change-sets/{made['id']}/apply", {})
        assert not applied.problem, applied.body
        new = self.seen.charges[len(before.charges) :]
        names = ("item", "price", "kind", "quantity", "amount", "period_start", "period_end")
        names += ("explanation", "settlement", "version")
        assert sorted(str({name: each[name] for name in names}) for each in new) == sorted(
            str({name: each[name] for name in names}) for each in shown["money"]["charges"]
        )
        change = balance(self.seen) - balance(before)
        assert change == shown["money"]["credit_balance_change"]["amount"]
        then, now = self.granted(before), self.granted(self.seen)
        differ = {
            name: [then.get(name), now.get(name)]
            for name in then.keys() | now.keys()
            if then.get(name) != now.get(name)
        }
        told = {
            each["feature"]: [as_text(each["before"]), as_text(each["after"])]
            for each in shown["entitlements"]
            if each["at"] == written(self.now)
        }
        assert differ == told
        assert {
            name
            for name in self.seen.documents
            if self.seen.documents[name] != before.documents.get(name)
        } == {
            each["service"]
            for each in shown["provisioning"]
            if each["at"] == written(self.now) and each["owner"] == self.desk.owner
        }

    def granted(self, look: Look) -> dict[str, Any]:
        """What the subscription gives, and nothing of what a pause or a block on it withholds."""
        page = look.page
        plan = prices.PLANS[page["plan"].split("_", 1)[1]]
        withheld = page["state"] == "paused" and not plan.access_while_paused
        withheld = withheld or self.is_blocked_now(look)
        return {
            each["feature"]: None if withheld or each["reason"] == "expired" else each["value"]
            for each in look.entitlements
        }

    # --- time ---

    @rule(days=st.integers(0, 40), seconds=st.sampled_from([0, 1, 3600, 45_296]))
    def time_passes(self, days: int, seconds: int) -> None:
        self.goes_to(self.now + timedelta(days=days, seconds=seconds))

    @rule(months=st.integers(1, 14))
    def months_pass(self, months: int) -> None:
        weekly = self.seen.page["interval"] == "week"
        self.goes_to(self.now + timedelta(days=31 * (min(months, 3) if weekly else months)))

    @rule(off=st.sampled_from([-SECOND, 0 * SECOND, 0 * SECOND, SECOND]), data=st.data())
    def time_comes_near_what_is_next(self, off: timedelta, data: st.DataObject) -> None:
        page = self.seen.page
        known = [
            read(page["period_end"]),
            *(read(each["effective_at"]) for each in page["pending"]),
        ]
        ahead = sorted({each for each in known if self.now < each})
        if ahead:
            self.goes_to(max(self.now, data.draw(st.sampled_from(ahead)) + off))

    def goes_to(self, at: datetime) -> None:
        if at <= self.now:
            return
        self.tells(f"-> {written(at)}")
        foretold, held = self.desk.page_at(at), self.desk.entitlements(at)
        told = self.model().at(at)
        self.world.advance_to(written(at))
        _check_deferred()
        self.now = at
        before, self.seen = self.seen, self.desk.look()
        self._append_only(before)
        assert foretold is not None
        mine = without(self.seen.page, "version", "updated_at", "projected")
        assert without(foretold, "version", "updated_at", "projected") == mine, "as foretold"
        assert plain(held) == plain(self.seen.entitlements), "as foretold"
        if told is not None:
            self.is_as(told)
        self.sees()

    # --- what always holds ---

    def _append_only(self, before: Look) -> None:
        for old, new in ((before.charges, self.seen.charges), (before.credits, self.seen.credits)):
            assert new[: len(old)] == old, "what was charged stays"

    def sees(self) -> None:
        seen, desk = self.seen, self.desk
        self._lines_are_in_order(seen)
        self._periods_are_counted(seen)
        self._money(seen)
        self._grants(seen)
        self._documents(seen)
        for each in self.samples[-1:]:
            then = desk.page_at(each.at, known_at=written(each.known_at))
            assert then is not None
            known = dateless(without(then, "version", "updated_at", "metadata", "projected"))
            assert known == dateless(without(each.page, "projected")), "it is known what was known"
        self.samples.append(sample(seen.page, self.now))
        if seen.page["state"] not in ("pending",):
            again = desk.page_at(self.now)
            assert again == seen.page

    def _lines_are_in_order(self, seen: Look) -> None:
        starts = [read(each["starts_at"]) for each in seen.timeline]
        assert starts == sorted(set(starts))
        assert [each["agreed"] for each in seen.timeline] == sorted(
            each["agreed"] for each in seen.timeline
        )

    def _periods_are_counted(self, seen: Look) -> None:
        """A period is open now, and ends at a boundary that a calendar counts."""
        page = seen.page
        if page["state"] not in ("active", "past_due"):
            return
        start, end = read(page["period_start"]), read(page["period_end"])
        assert start <= self.now < end
        shift = timedelta(seconds=page["extended_seconds"])
        counted = Count(read(page["anchor"]), page["anchor_day"], page["zone"])
        assert counted.period(page["interval"], end - shift - SECOND)[1] + shift == end
        # the one before ends where this begins
        before = self.desk.page_at(start - SECOND)
        if before is not None and before["state"] in ("active", "past_due"):
            entries = [each for each in seen.timeline if read(each["starts_at"]) == start]
            if entries:
                assert read(before["period_end"]) >= start
            else:
                assert read(before["period_end"]) == start
            assert read(before["period_start"]) < start

    def _money(self, seen: Look) -> None:
        net = self.net(seen)
        entries = self.desk.entries_of(seen.timeline)
        past = [each for each in entries if not each.line["agreed"]]
        if any(each.line["decision"].get("settlement") == "none" for each in past):
            self.is_plain = False
        each_way = [*owed(past, now=self.now), *owed(entries, now=self.now)]
        least, most = min(each_way), max(each_way)
        if self.is_plain:
            assert least <= net <= most, (least, net, most)
        else:
            assert least <= net, (least, net)
        sums: dict[str, int] = {}
        for each in seen.credits:
            money = each["amount"]
            sums[money["currency"]] = sums.get(money["currency"], 0) + money["amount"]
        assert {each["currency"]: each["amount"] for each in seen.balances} == sums

    def net(self, seen: Look) -> int:
        """What was charged of the subscription, less what was given back."""
        return sum(
            each["amount"]["amount"]
            for each in seen.charges
            if each["kind"] != "forfeited" and each["subscription"] == self.desk.subscription
        )

    def _grants(self, seen: Look) -> None:
        page = seen.page
        plan = page["plan"].split("_", 1)[1]
        add_ons = {key.split("_", 1)[1]: each for key, each in page["add_ons"].items()}
        held = prices.values(plan, page["quantity"], add_ons)
        paused = page["state"] == "paused" and not prices.PLANS[plan].access_while_paused
        blocked = self.is_blocked_now(seen)
        for feature, value in held.items():
            found = self.desk.check(feature)
            if page["state"] in ("canceled", "pending"):
                assert not found["allowed"], found
                assert found["reason"] in ("expired", "not_entitled", "blocked"), found
                continue
            wanted = "within_limit"
            if value == "0":
                wanted = "not_entitled"
            elif blocked:
                wanted = "blocked"
            elif paused:
                wanted = "paused"
            assert (found["value"], found["reason"]) == (value, wanted), found
            assert found["allowed"] == (wanted == "within_limit")
            (listed,) = [each for each in seen.entitlements if each["feature"] == found["feature"]]
            assert (listed["value"], listed["reason"]) == (found["value"], found["reason"])

    def is_blocked_now(self, seen: Look) -> bool:
        return any("access" in each["effects"] for each in self.standing_blocks(seen))

    def standing_blocks(self, seen: Look) -> list[dict[str, Any]]:
        """The blocks that are in effect and cover the subscription."""
        return [
            each
            for each in seen.blocks
            if read(each["from"]) <= self.now
            and (each["until"] is None or self.now < read(each["until"]))
            and (each["lifted_at"] is None or self.now < read(each["lifted_at"]))
            and each["subscription"] in (None, self.desk.subscription)
        ]

    def _documents(self, seen: Look) -> None:
        for content in seen.documents.values():
            granted = {
                each["feature"]: each["value"]
                for each in seen.entitlements
                if each["reason"] in ("within_limit", "not_entitled", "paused", "blocked")
                and each["value"] is not None
            }
            told = {key: str(each["value"]) for key, each in content["entitlements"].items()}
            if content["state"] == "active":
                assert told == {key: each for key, each in granted.items() if key in told}
                assert {
                    each["feature"]
                    for each in seen.entitlements
                    if each["reason"] == "within_limit"
                } <= set(told)
            else:
                assert not any(each["allowed"] for each in seen.entitlements), (content, granted)

    def teardown(self) -> None:
        try:
            if hasattr(self, "desk"):
                self.world.settle()
                broken = {
                    each.name: found for each in invariants.installed() if (found := [*each.find()])
                }
                assert not broken, broken
        finally:
            self.stack.close()


def sum_of(parts: tuple[datetime, timedelta]) -> datetime:
    return parts[0] + parts[1]


def balance(look: Look) -> int:
    return sum(each["amount"] for each in look.balances)


def as_text(value: Any) -> str | None:
    return None if value is None else str(value)


def dateless(page: dict[str, Any]) -> dict[str, Any]:
    """What is agreed for the period's end is shown with the date that it has by now."""
    pending = [without(each, "effective_at") for each in page["pending"]]
    return {**page, "pending": sorted(pending, key=lambda each: str(each["id"]))}


def plain(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [without(each, "projected") for each in listed]


def _check_deferred() -> None:
    """Nothing is committed in a test, so what the database checks then is checked here."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


class _TakenBack:
    """All that is written meanwhile is taken back, so that each life begins in an empty world."""

    def __enter__(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def __exit__(self, *_: object) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)


@pytest.fixture
def world(db: Any) -> Changes:
    from django.test import Client

    made = Changes(Client())
    apply_catalog(tree=prices.document())
    made.token = made.token_for(list(Scope))
    _told()
    return made


def test_lives(world: Changes) -> None:
    run_state_machine_as_test(
        lambda: Life(world),
        settings=settings(
            deadline=None,
            derandomize=settings.default.max_examples == 100,  # at length it looks elsewhere
            max_examples=settings.default.max_examples // 20,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )


_ = (Callable, pairwise)
