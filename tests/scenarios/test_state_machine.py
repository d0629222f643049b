"""Anything may be asked of a subscription, in any order, through the API, as its clock moves on.

Each life is one customer on a test clock. What is simple is foretold by a model; whatever happens,
``Holds`` says what must be true after it. ``conftest`` says how to let it search for longer.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
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
from tests.scenarios.life import prices
from tests.scenarios.life.asked import SECOND, Asked, offers, settlements, waits
from tests.scenarios.life.holds import Holds, withheld_by
from tests.scenarios.life.model import RUNNING, Model, Standing, is_as
from tests.scenarios.life.money import read
from tests.scenarios.life.opened import Beginning, begin, opened, taken_back
from tests.scenarios.life.watch import (
    OF_NOW,
    Answer,
    Desk,
    Look,
    as_text,
    in_short,
    standing_blocks,
    without,
    written,
)
from tests.world import World

NUMBERS = count()
STARTS = ["2024-01-31", "2024-02-29 12:00", "2025-03-29 23:30", "2025-08-30 22:00", "2026-01-10"]


def is_there(life: "Life") -> bool:
    return bool(life.seen.page["state"] != "canceled")


class Life(RuleBasedStateMachine):
    desk: Desk
    seen: Look
    now: datetime

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.around = taken_back()
        self.around.__enter__()

    @initialize(
        product=st.sampled_from(prices.PRODUCTS),
        start=st.sampled_from(STARTS),
        zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
        offer=offers,
    )
    def begins(self, product: str, start: str, zone: str, offer: tuple[str, str]) -> None:
        plan = f"box_{'basic' if offer[0] == 'free' else offer[0]}" if product == "box" else None
        where = Beginning(f"c{next(NUMBERS)}", product, plan, start, zone)
        self.desk = begin(self.world, where)
        self.holds, self.now = Holds(self.desk), self.desk.now
        self.seen = self.desk.look()
        self.holds.look(self.seen, self.now)

    # --- asking ---

    def tells(self, text: str) -> None:
        note(f"{written(self.now)} {text}")

    @property
    def asked(self) -> Asked:
        return Asked(self.seen, self.desk.product, self.now)

    @property
    def is_untouched(self) -> bool:
        """Whether nothing has happened to it yet at this instant."""
        return read(self.seen.timeline[-1]["starts_at"]) < self.now

    def model(self, *, own: bool = False) -> Model:
        standing = standing_blocks(self.seen, self.desk, self.now)
        is_blocked = any("change" in each["effects"] for each in standing)
        return Model(self.seen.page, self.desk.product, self.now, is_blocked, own)

    def is_as(self, told: Standing | None) -> None:
        assert told is None or is_as(self.seen.page, told), (told, self.seen.page)

    def does(
        self, method: str, path: str, body: Any = None, *, own: bool = False, twice: bool = False
    ) -> Answer:
        """Ask, and see that it is as the model says, and that a refusal or a repeat do nothing."""
        body = body or {}
        key = f"k{next(NUMBERS)}" if twice else ""
        expected = self.model(own=own).expects(path.removeprefix(f"{self.desk.path}/"), body)
        self.tells(f"{method} {path} {body or ''} {'own' if own else ''}")
        answer = self.desk.ask(method, path, body, own=own, key=key)
        self.tells(f"   -> {answer.status} {answer.problem}")
        self.turns_to(path, answer)
        before, self.seen = self.seen, self.look()
        if expected is not None:
            assert answer.problem == expected.problem
            self.is_as(expected.after)
        if answer.problem:
            assert self.seen == before, "a refusal changes nothing"
            return answer
        if any(read(body[name]) < self.now for name in {"effective_at", "access_end"} & {*body}):
            self.holds.is_corrected()
        self.nothing_is_unsaid(before)
        self.holds.look(self.seen, self.now)
        if twice:
            again = self.desk.ask(method, path, body, own=own, key=key)
            assert (again.is_replay, again.status, again.body) == (True, answer.status, answer.body)
            assert self.look() == self.seen, "a repeat changes nothing"
        return answer

    def commands(self, verb: str, body: Any = None, *, own: bool = False) -> Answer:
        return self.does("POST", f"{self.desk.path}/{verb}", body, own=own)

    def look(self) -> Look:
        """Nothing is committed here, so what the database checks then is checked now."""
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        return self.desk.look()

    def turns_to(self, path: str, answer: Answer) -> None:
        """What is subscribed to anew is looked at from then on."""
        if path == "subscriptions" and answer.status == 201:
            self.desk.subscription = answer.body["resource"]["id"]
            self.holds.is_corrected()

    def nothing_is_unsaid(self, before: Look) -> None:
        assert self.seen.charges[: len(before.charges)] == before.charges
        assert self.seen.credits[: len(before.credits)] == before.credits

    # --- commands ---

    @rule(data=st.data(), offer=offers, own=st.booleans(), twice=st.booleans())
    def changes(self, data: st.DataObject, offer: tuple[str, str], own: bool, twice: bool) -> None:
        body = data.draw(self.asked.change(offer, own=own))
        self.does("POST", f"{self.desk.path}/change", body, own=own, twice=twice)

    @rule(offer=offers, settlement=settlements, anchor=st.sampled_from(["keep", "restart"]))
    @precondition(
        lambda self: (
            self.seen.page["state"] in RUNNING
            and not self.seen.page["pending"]
            and self.is_untouched
        )
    )
    def goes_there_and_back(self, offer: tuple[str, str], settlement: str, anchor: str) -> None:
        """At one instant that is nothing: no money, no other anchor, no other period."""
        before, (plan, interval) = self.seen, offer
        how = {"timing": "now", "settlement": settlement}
        there = {"plan": self.asked.key(plan), "interval": interval, "anchor": anchor, **how}
        if self.commands("change", there).problem:
            return
        names = ("plan", "interval", "quantity", "add_ons")
        self.commands("change", {**{n: before.page[n] for n in names if before.page[n]}, **how})
        after = self.seen.page
        moved = {name for name in after if before.page[name] != after[name]}
        assert moved <= {"version", "updated_at"}
        named = self.desk.subscription
        assert self.seen.net(named) == before.net(named)

    @rule(add_on=st.sampled_from([*prices.ADD_ONS]), quantity=st.integers(0, 6), own=st.booleans())
    @precondition(is_there)
    def changes_an_add_on(self, add_on: str, quantity: int, own: bool) -> None:
        body = {"add_on": self.asked.key(add_on), "quantity": quantity}
        self.commands("add-ons", body, own=own)

    @rule(data=st.data(), own=st.booleans())
    def cancels(self, data: st.DataObject, own: bool) -> None:
        self.commands("cancel", data.draw(self.asked.cancel(own=own)), own=own)

    @rule(own=st.booleans())
    @precondition(lambda self: self.seen.pending("end"))
    def uncancels(self, own: bool) -> None:
        self.commands("uncancel", own=own)

    @rule(data=st.data())
    @precondition(is_there)
    def pauses(self, data: st.DataObject) -> None:
        self.commands("pause", data.draw(self.asked.pause()))

    @rule(data=st.data())
    @precondition(lambda self: self.seen.page["state"] == "paused" or self.seen.pending("pause"))
    def resumes(self, data: st.DataObject) -> None:
        self.commands("resume", data.draw(st.just({}) | self.asked.dated("at")))

    @rule(data=st.data())
    @precondition(is_there)
    def moves_the_anchor(self, data: st.DataObject) -> None:
        self.commands("anchor", data.draw(self.asked.anchor()))

    @rule(data=st.data())
    @precondition(lambda self: self.seen.page["state"] == "trialing")
    def moves_the_trial(self, data: st.DataObject) -> None:
        self.commands("trial", data.draw(self.asked.trial()))

    @rule(data=st.data(), own=st.booleans())
    @precondition(lambda self: self.seen.page["pending"])
    def takes_one_change_back(self, data: st.DataObject, own: bool) -> None:
        change = data.draw(st.sampled_from([each["id"] for each in self.seen.page["pending"]]))
        self.does("DELETE", f"{self.desk.path}/schedule/{change}", own=own)

    @rule(data=st.data(), offer=offers)
    @precondition(
        lambda self: not is_there(self) or self.seen.page["plan"] == self.asked.key("free")
    )
    def subscribes(self, data: st.DataObject, offer: tuple[str, str]) -> None:
        owner = {"customer": self.desk.customer}
        if self.desk.owner != self.desk.customer:
            owner["subject"] = self.desk.owner
        self.does("POST", "subscriptions", data.draw(self.asked.subscribe(offer, owner)))

    # --- payments and blocks ---

    def reports(self, what: str, **body: Any) -> None:
        body = {"subscriptions": [self.desk.subscription], **body}
        self.does("POST", f"customers/{self.desk.customer}/{what}", body)

    @rule(final=st.booleans())
    def a_payment_fails(self, final: bool) -> None:
        model = self.model()
        self.reports("payment-failures", final=final)
        self.is_as(model.lost() if final else model.unpaid())

    @rule()
    @precondition(
        lambda self: any(
            each["name"] == "overdue" and each["lifted_at"] is None for each in self.seen.blocks
        )
    )
    def it_is_paid(self) -> None:
        self.reports("payment-recoveries")

    @rule(own=st.booleans())
    @precondition(
        lambda self: (
            self.seen.timeline[-1]["cause"] in ("past_due", "fallback", "canceled")
            or any(each["state"] == "canceled" for each in self.seen.others)
        )
    )
    def is_restored(self, own: bool) -> None:
        self.does("POST", f"customers/{self.desk.customer}/restore", own=own)

    @rule(on_file=st.booleans())
    def a_payment_method_comes_or_goes(self, on_file: bool) -> None:
        path = f"customers/{self.desk.customer}/payment-method"
        self.does("PUT", path, {"on_file": on_file})

    @rule(data=st.data())
    def is_blocked(self, data: st.DataObject) -> None:
        covered = [{}, {"subscription": self.desk.subscription}, {"product": self.desk.product}]
        if self.desk.owner != self.desk.customer:
            covered.append({"subject": self.desk.owner})
        body = data.draw(self.asked.block(covered))
        self.does("POST", f"customers/{self.desk.customer}/blocks", body)

    @rule(data=st.data())
    @precondition(lambda self: any(each["lifted_at"] is None for each in self.seen.blocks))
    def a_block_is_lifted(self, data: st.DataObject) -> None:
        standing = [each["id"] for each in self.seen.blocks if each["lifted_at"] is None]
        self.does("POST", f"blocks/{data.draw(st.sampled_from(standing))}/lift")

    # --- change sets ---

    @rule(data=st.data(), offer=offers, takes_back=st.booleans())
    @precondition(is_there)
    def previews_and_applies(
        self, data: st.DataObject, offer: tuple[str, str], takes_back: bool
    ) -> None:
        operations = data.draw(self.asked.operations(offer))
        body = {"subscription": self.desk.subscription, "operations": operations, "reason": "so"}
        made = self.previews("change-sets", body)
        if made is not None and takes_back:
            self.previews(f"change-sets/{made['id']}/undo", {})

    def previews(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Preview, see that this does nothing, and apply."""
        before = self.seen
        made = self.does("POST", path, body)
        if made.problem:
            return None
        assert replace(self.seen, events=0) == replace(before, events=0), "a preview does nothing"
        found: dict[str, Any] = made.body["resource"]
        self.applies(found)
        return found

    def applies(self, made: dict[str, Any]) -> None:
        """What happens is what was shown: money, entitlements, documents."""
        before, shown = self.seen, made["item"]["preview"]
        assert not self.does("POST", f"change-sets/{made['id']}/apply").problem
        charges = self.seen.charges[len(before.charges) :]
        assert in_short(charges) == in_short(shown["money"]["charges"])
        moved = self.seen.balance - before.balance
        assert moved == shown["money"]["credit_balance_change"]["amount"]
        then, now = self.granted(before), self.granted(self.seen)
        assert {
            each["feature"]: [as_text(each["before"]), as_text(each["after"])]
            for each in shown["entitlements"]
            if each["at"] == written(self.now)
        } == {
            name: [then.get(name), now.get(name)]
            for name in then.keys() | now.keys()
            if then.get(name) != now.get(name)
        }
        documents = self.seen.documents
        assert {
            each["service"]
            for each in shown["provisioning"]
            if (each["at"], each["owner"]) == (written(self.now), self.desk.owner)
        } == {name for name in documents if documents[name] != before.documents.get(name)}

    def granted(self, look: Look) -> dict[str, Any]:
        """What it gives, and nothing of what a pause or a block withholds."""
        withheld = withheld_by(self.desk, look, self.now)
        return {
            each["feature"]: None if withheld or each["reason"] == "expired" else each["value"]
            for each in look.entitlements
        }

    # --- time ---

    @rule(wait=waits)
    def time_passes(self, wait: timedelta) -> None:
        self.goes_to(self.now + wait)

    @rule(months=st.integers(1, 14))
    def months_pass(self, months: int) -> None:
        most = 3 if self.seen.page["interval"] == "week" else months
        self.goes_to(self.now + timedelta(days=31 * min(months, most)))

    @rule(off=st.sampled_from([-SECOND, 0 * SECOND, 0 * SECOND, SECOND]), data=st.data())
    def time_comes_near_what_is_next(self, off: timedelta, data: st.DataObject) -> None:
        page = self.seen.page
        dates = [page["period_end"], *(each["effective_at"] for each in page["pending"])]
        ahead = sorted({each for each in map(read, dates) if self.now < each})
        if ahead:
            self.goes_to(data.draw(st.sampled_from(ahead)) + off)

    def goes_to(self, at: datetime) -> None:
        """What was foretold of the instant, of the subscription and of its grants, has come."""
        if at <= self.now:
            return
        self.tells(f"-> {written(at)}")
        foretold, held = self.desk.page_at(at), self.desk.entitlements(at)
        told = self.model().at(at)
        self.world.advance_to(written(at))
        before, self.seen, self.now = self.seen, self.look(), at
        self.nothing_is_unsaid(before)
        assert foretold is not None
        assert without(foretold, *OF_NOW, "projected") == without(
            self.seen.page, *OF_NOW, "projected"
        )
        assert held == self.seen.entitlements
        self.is_as(told)
        self.holds.look(self.seen, self.now)

    def teardown(self) -> None:
        try:
            if hasattr(self, "desk"):
                self.world.settle()
                checked = {each.name: [*each.find()] for each in invariants.installed()}
                assert not {name: found for name, found in checked.items() if found}
        finally:
            self.around.__exit__(None, None, None)


@pytest.fixture
def world(db: Any) -> World:
    return opened()


@pytest.mark.slow
def test_whatever_happens_the_rules_hold(world: World) -> None:
    """A life takes some seconds, so there are fewer than of other examples."""
    run_state_machine_as_test(
        lambda: Life(world),
        settings=settings(
            deadline=None,
            max_examples=settings.default.max_examples // 25,
            stateful_step_count=settings.default.stateful_step_count // 2,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
