"""Anything may happen to a subscription, in any order: the rules against a model of them.

``conftest`` says how to let it search for longer.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.periods import Anchor
from plans.change_rules import AnchorRule, Timing
from plans.terms import PauseMode
from subscriptions import moves
from subscriptions.agreement import Agreement
from subscriptions.arrival import Arrival, Given, arrive, fall_back, next_due, resume, waits
from subscriptions.history import Entry, History
from subscriptions.planned import Kind, Planned, aligned
from subscriptions.policy import as_data, decide_change, decide_fallback
from subscriptions.sales import Sale, kept_add_ons, with_add_on
from subscriptions.states import BILLABLE, State
from tests.subscriptions.given import add_on, sale
from tests.subscriptions.given import at as at_utc
from tests.subscriptions.model import RANKS, TRIAL_DAYS, Agreed, Model
from tests.subscriptions.strategies import PLANS, SECOND

TERMS = {each.plan_key: each for each in PLANS}
FREE = TERMS["free"]
OFFERS = [(key, each) for key in TERMS for each in ("month", "year") if each in TERMS[key].sold]
STARTS = ["2024-01-31", "2024-02-29 12:00", "2025-03-29 23:30", "2025-08-30 22:00", "2026-01-10"]


def is_alive(life: "Life") -> bool:
    return life.held.state != State.CANCELED


def is_awake(life: "Life") -> bool:
    return is_alive(life) and life.held.pause is None


class Life(RuleBasedStateMachine):
    """Commands as the services give them, and a clock that only moves on."""

    held: Agreement
    model: Model
    now: datetime

    def __init__(self) -> None:
        super().__init__()
        self.planned: list[Planned] = []
        self.entries: list[Entry] = []

    @initialize(
        offer=st.sampled_from(OFFERS),
        at=st.sampled_from(STARTS).map(at_utc),
        zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
        has_fallback=st.sampled_from([True, True, True, False]),
    )
    def begins(self, offer: tuple[str, str], at: datetime, zone: str, has_fallback: bool) -> None:
        (plan, interval), self.now = offer, at
        self.model = Model(plan, interval, 1, zone, has_fallback, anchor=at, period_end=at)
        self.model.period_end = self.model.boundary_after(at)
        if plan in TRIAL_DAYS:
            self.model.tries(at)
        terms = TERMS[plan]
        days = terms.trial.days if terms.trial else 0
        ends_at = moves.trial_end(days, at=at, zone=zone) if days else None
        self.become(
            moves.begin(
                sale(terms, interval), at=at, zone=zone, shared=None, trial_ends_at=ends_at
            ),
            "subscribed",
        )

    # --- commands ---

    @rule(offer=st.sampled_from(OFFERS), data=st.data())
    @precondition(is_alive)
    def changes_plan(self, offer: tuple[str, str], data: st.DataObject) -> None:
        plan, interval = offer
        held, terms = self.held, TERMS[plan]
        if offer == (held.terms.plan_key, held.interval):
            return
        decision = decide_change(held, terms, interval)
        up = RANKS[plan] > RANKS[self.model.plan]
        same = RANKS[plan] == RANKS[self.model.plan]
        at_once = up or (same and (interval, self.model.interval) != ("month", "year"))
        assert (decision.timing == Timing.NOW) == at_once
        restarts = interval != self.model.interval or self.model.plan == "free" != plan
        assert (decision.anchor == AnchorRule.RESTART) == restarts
        if not at_once:
            self.agree(
                Planned(
                    "",
                    Kind.PLAN,
                    held.period.end,
                    True,
                    terms,
                    interval,
                    decision=as_data(decision),
                ),
                Agreed(None, plan, interval, restarts),
                instead_of={Kind.PLAN, Kind.END},
            )
            return
        self.forget({Kind.PLAN, Kind.END})
        what = Sale(terms, interval, held.currency, held.quantity, held.add_ons)
        after = self.sold(replace(what, add_ons=kept_add_ons(what)), decision.anchor)
        if held.is_free and after.state == State.ACTIVE and not self.model.is_trial_spent:
            after = self.in_its_trial(after)
        self.model.moves_to(plan, interval, restarts, self.now)
        self.become(after, "changed")

    @rule(quantity=st.integers(1, 9))
    @precondition(is_alive)
    def changes_quantity(self, quantity: int) -> None:
        if quantity == self.held.quantity:
            return
        if quantity < self.held.quantity and self.held.trial is None:
            planned = self.at_the_end(Kind.QUANTITY, quantity=quantity)
            self.agree(planned, Agreed(None, quantity=quantity), instead_of={Kind.QUANTITY})
            return
        self.forget({Kind.QUANTITY})
        what = replace(self.sale, quantity=quantity)
        self.model.sets("quantity", quantity)
        self.become(self.sold(what, AnchorRule.KEEP), "changed")

    @rule(quantity=st.integers(0, 3))
    @precondition(is_alive)
    def changes_an_add_on(self, quantity: int) -> None:
        present = self.held.add_on("logs")
        before = present.quantity if present else 0
        asked = replace(self.sale, add_ons=with_add_on(self.held.add_ons, add_on("logs", quantity)))
        can_be_had = kept_add_ons(asked) == asked.add_ons
        is_new = present is None and self.held.state == State.PAUSED
        if quantity == before or is_new or not can_be_had:
            return
        if quantity < before and self.held.trial is None:
            planned = self.at_the_end(Kind.ADD_ON, add_on=add_on("logs", quantity))
            self.agree(planned, Agreed(None, quantity=quantity), instead_of={Kind.ADD_ON})
            return
        self.forget({Kind.ADD_ON})
        self.model.sets("add_on:logs", quantity)
        self.become(self.sold(asked, AnchorRule.KEEP), "changed")

    @rule(offer=st.sampled_from(OFFERS), days=st.integers(1, 400))
    @precondition(is_alive)
    def agrees_a_plan_on_a_date(self, offer: tuple[str, str], days: int) -> None:
        plan, interval = offer
        if offer == (self.held.terms.plan_key, self.held.interval):
            return
        decision = decide_change(self.held, TERMS[plan], interval)
        at = self.now + timedelta(days=days)
        self.agree(
            Planned("", Kind.PLAN, at, False, TERMS[plan], interval, decision=as_data(decision)),
            Agreed(at, plan, interval, decision.anchor == AnchorRule.RESTART),
            instead_of={Kind.PLAN, Kind.END},
        )

    @rule(at_once=st.booleans())
    @precondition(lambda self: is_alive(self) and self.held.terms != FREE)
    def cancels(self, at_once: bool) -> None:
        fallback = FREE if self.model.has_fallback else None
        if at_once:
            self.forget(set(Kind))
            after, _ = fall_back(self.held, fallback, at=self.now, shared=None)
            self.model.falls_back(self.now)
            self.become(after, "fallback")
            return
        end = self.at_the_end(Kind.END)
        if fallback is not None:
            interval, decision = decide_fallback(self.held, fallback)
            end = replace(end, terms=fallback, interval=interval, decision=as_data(decision))
        self.agree(end, Agreed(None), instead_of=set(Kind))

    @rule()
    @precondition(lambda self: "end" in self.model.agreed)
    def takes_a_cancellation_back(self) -> None:
        self.forget({Kind.END})

    @rule(mode=st.sampled_from(PauseMode))
    @precondition(is_awake)
    def pauses(self, mode: PauseMode) -> None:
        self.forget({Kind.PAUSE})
        self.model.pauses(str(mode), self.now)
        self.become(moves.paused(self.held, mode=mode, at=self.now), "paused")

    @rule()
    @precondition(lambda self: self.held.pause is not None)
    def resumes(self) -> None:
        self.forget({Kind.RESUME})
        self.model.resumes(self.now)
        self.model.rolls(self.now)
        self.arrived(resume(self.held, self.planned, at=self.now, given=self.given))

    @rule(mode=st.sampled_from(PauseMode), days=st.integers(1, 60), waits=st.integers(0, 60))
    @precondition(is_awake)
    def agrees_a_pause_and_its_end(self, mode: PauseMode, days: int, waits: int) -> None:
        at = self.now + timedelta(days=days)
        back = at + timedelta(days=waits)
        self.agree(
            replace(Planned("", Kind.PAUSE, at), pause_mode=mode),
            Agreed(at, mode=str(mode)),
            instead_of={Kind.PAUSE},
        )
        self.agree(Planned("", Kind.RESUME, back), Agreed(back), instead_of={Kind.RESUME})

    @rule(days=st.integers(1, 60))
    @precondition(is_awake)
    def agrees_another_anchor(self, days: int) -> None:
        at = self.now + timedelta(days=days)
        anchor = Anchor(at, self.held.cycle.zone)
        self.agree(
            replace(Planned("", Kind.ANCHOR, at), anchor=anchor),
            Agreed(at, anchor=at),
            instead_of={Kind.ANCHOR},
        )

    @rule()
    @precondition(lambda self: self.held.state in BILLABLE)
    def a_payment_fails_or_comes(self) -> None:
        failed = self.held.state == State.ACTIVE
        self.model.state = "past_due" if failed else "active"
        move = moves.payment_failed if failed else moves.recovered
        self.become(move(self.held), "payment_failed" if failed else "recovered")

    @rule()
    def a_payment_method_comes_or_goes(self) -> None:
        self.model.has_payment_method = not self.model.has_payment_method

    @rule(days=st.integers(0, 40), seconds=st.sampled_from([0, 1, 45_296]))
    def time_passes(self, days: int, seconds: int) -> None:
        self.it_is(self.now + timedelta(days=days, seconds=seconds))

    @rule(months=st.integers(1, 14))
    def months_pass(self, months: int) -> None:
        self.it_is(self.now + timedelta(days=31 * months))

    @rule(off=st.sampled_from([-SECOND, 0 * SECOND, SECOND]))
    def time_comes_near_what_is_next(self, off: timedelta) -> None:
        due = self.model.next_instant()
        if due is not None:
            self.it_is(max(self.now, due + off))

    def it_is(self, until: datetime) -> None:
        while (due := self.model.next_instant()) is not None and due <= until:
            self.now = max(self.now, due)
            self.settles()
        self.now = until

    # --- how ---

    @property
    def given(self) -> Given:
        return Given(
            has_payment_method=self.model.has_payment_method,
            fallback=FREE if self.model.has_fallback else None,
            is_trial_spent=self.model.is_trial_spent,
        )

    @property
    def sale(self) -> Sale:
        held = self.held
        return Sale(held.terms, held.interval, held.currency, held.quantity, held.add_ons)

    def sold(self, what: Sale, anchor: AnchorRule) -> Agreement:
        trial = what.terms.trial if what.terms != self.held.terms else None
        return moves.changed(
            self.held,
            what,
            base=self.held,
            anchor=anchor,
            at=self.now,
            shared=None,
            trial_days=trial.days if trial else None,
        )

    def in_its_trial(self, after: Agreement) -> Agreement:
        trial, at = after.terms.trial, self.now
        if trial is None:
            return after
        ends_at = moves.trial_end(trial.days, at=at, zone=after.cycle.zone)
        return moves.trial_begun(after, at=at, ends_at=ends_at, shared=None)

    def at_the_end(self, kind: Kind, **what: object) -> Planned:
        return Planned("", kind, self.held.period.end, True, **what)  # type: ignore[arg-type]

    def agree(self, planned: Planned, told: Agreed, *, instead_of: set[Kind]) -> None:
        self.forget(instead_of)
        name = f"{planned.kind}:{planned.key}" if planned.key else str(planned.kind)
        self.planned = aligned([*self.planned, replace(planned, id=name)], self.held)
        self.model.agreed[name] = told
        self.settles()

    def forget(self, kinds: set[Kind]) -> None:
        self.planned = aligned([each for each in self.planned if each.kind not in kinds], self.held)
        gone = [name for name in self.model.agreed if Kind(name.split(":")[0]) in kinds]
        for name in gone:
            del self.model.agreed[name]

    def become(self, after: Agreement, cause: str) -> None:
        """What begins at the instant of another entry takes its place."""
        self.held = after
        self.planned = aligned(self.planned, after)
        self.entries = [each for each in self.entries if each.starts_at < self.now]
        self.entries.append(Entry("trm", self.now, after, cause))
        self.settles()

    def settles(self) -> None:
        """Do what is due at once, the model and the rules each by their own order."""
        while (due := self.model.next_instant()) is not None and due <= self.now:
            assert next_due(self.held, self.planned) == due
            arrival = arrive(self.held, self.planned, at=due, given=self.given)
            self.model.arrives(due)
            assert arrival is not None, "what is due does something"
            self.arrived(arrival)

    def arrived(self, arrival: Arrival) -> None:
        self.planned = arrival.planned
        before, self.held = self.held, arrival.agreement
        if replace(before, period=self.held.period) != self.held:
            self.entries = [each for each in self.entries if each.starts_at < arrival.at]
            self.entries.append(Entry("trm", arrival.at, self.held, arrival.cause))
        if arrival.happened == ["renewed"]:
            assert self.held.period.start == before.period.end == arrival.at
        self.settles()

    # --- what always holds ---

    @invariant()
    def it_is_what_the_model_says(self) -> None:
        held, model = self.held, self.model
        assert str(held.state) == model.state
        if model.state == "canceled":
            return
        assert {
            "plan": held.terms.plan_key,
            "interval": held.interval,
            "quantity": held.quantity,
            "add_ons": {each.key: each.quantity for each in held.add_ons},
            "period_end": held.period.end,
            "trial": held.trial and (held.trial.starts_at, held.trial.ends_at),
            "paused_since": held.pause and held.pause.since,
        } == {
            "plan": model.plan,
            "interval": model.interval,
            "quantity": model.quantity,
            "add_ons": model.add_ons,
            "period_end": model.period_end,
            "trial": model.trial,
            "paused_since": model.paused_since,
        }

    @invariant()
    def it_knows_when_it_is_due(self) -> None:
        due = next_due(self.held, self.planned)
        assert due == self.model.next_instant()
        assert due is None or due > self.now

    @invariant()
    def what_is_agreed_lies_ahead(self) -> None:
        assert sorted(each.id for each in self.planned) == sorted(self.model.agreed)
        assert len({(each.kind, each.key) for each in self.planned}) == len(self.planned)
        for each in self.planned:
            assert each.at > self.now or waits(each, self.held)

    @invariant()
    def its_state_has_what_belongs_to_it(self) -> None:
        held = self.held
        assert (held.pause is not None) == (held.state == State.PAUSED)
        assert (held.state == State.TRIALING) == (held.trial is not None and held.pause is None)
        if held.state == State.CANCELED:
            assert (self.planned, self.model.agreed) == ([], {})

    @invariant()
    @precondition(lambda self: self.held.state in BILLABLE)
    def its_periods_tile(self) -> None:
        held = self.held
        assert held.period.contains(self.now)
        assert held.cycle.next_boundary(held.every, held.period.end - SECOND) == held.period.end
        assert held.cycle.period_at(held.every, held.period.end).start == held.period.end

    @invariant()
    def its_history_leads_to_it(self) -> None:
        told = History("sub_1", "cus_1", None, "zone", tuple(self.entries))
        starts = [each.starts_at for each in self.entries]
        assert starts == sorted(set(starts))
        last = told.at(self.now)
        assert last is not None
        assert replace(last.agreement, period=self.held.period) == self.held


TestLife = Life.TestCase
TestLife.settings = settings(deadline=None)
