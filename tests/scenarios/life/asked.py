"""What may be asked of a subscription as it stands, sensible or not, as hypothesis strategies."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.scenarios.life import prices
from tests.scenarios.life.model import bare
from tests.scenarios.life.money import read
from tests.scenarios.life.watch import Look, written

Bodies = st.SearchStrategy[dict[str, Any]]
SECOND = timedelta(seconds=1)
offers = st.sampled_from([(plan, each) for plan in prices.PLANS for each in prices.sold(plan)])
settlements = st.sampled_from(["credit", "credit", "credit", "refund", "none"])
prorations = st.sampled_from(["second", "second", "second", "day", "none"])
waits = st.builds(timedelta, days=st.integers(0, 40), seconds=st.sampled_from([0, 1, 3600, 45_296]))


@dataclass(frozen=True)
class Asked:
    """Bodies of commands, for a subscription that looks so at an instant."""

    look: Look
    product: str
    now: datetime

    def key(self, name: str) -> str:
        return f"{self.product}_{name}"

    def dates(self) -> st.SearchStrategy[datetime]:
        """Behind, now and ahead, often at an instant that means something, or just beside it."""
        page = self.look.page
        known = {read(page[name]) for name in ("period_start", "period_end")}
        known |= {read(each["effective_at"]) for each in page["pending"]}
        known |= {read(each["starts_at"]) for each in self.look.timeline}
        exact = st.sampled_from(sorted(known))
        near = st.builds(
            lambda at, off: at + off, exact, st.sampled_from([-SECOND, 0 * SECOND, SECOND])
        )
        return near | st.integers(-20, 60).map(lambda days: self.now + timedelta(days=days))

    def dated(self, name: str) -> Bodies:
        return self.dates().map(lambda at: {name: written(at)})

    def change(self, offer: tuple[str, str], *, own: bool) -> Bodies:
        how = st.just({}) if own else self._how()
        return st.builds(
            lambda what, how: {**what, **how}, self._sensible(offer) | self._any(offer), how
        )

    def _sensible(self, offer: tuple[str, str]) -> Bodies:
        """What mostly is not refused: another plan with a part of it, or a part of the present."""
        page, (plan, interval) = self.look.page, offer
        there = {"plan": self.key(plan), "interval": interval}
        asked = [st.just(there), *(st.just({**there, **each}) for each in self._parts(*offer))]
        asked += [st.just(each) for each in self._parts(bare(page["plan"]), page["interval"])]
        return st.one_of(asked)

    def _parts(self, plan: str, interval: str) -> Iterator[dict[str, Any]]:
        seats = prices.PLANS[plan].seats
        if seats:
            yield from ({"quantity": each} for each in range(seats[0], seats[1] + 1))
        for key, add_on in prices.ADD_ONS.items():
            if prices.fits(key, plan, interval):
                yield from ({"add_ons": {self.key(key): n}} for n in range(min(add_on.most, 3) + 1))

    def _any(self, offer: tuple[str, str]) -> Bodies:
        plan, interval = offer
        add_ons = st.sampled_from([self.key(each) for each in prices.ADD_ONS])
        return st.fixed_dictionaries(
            {},
            optional={
                "plan": st.just(self.key(plan)),
                "interval": st.just(interval),
                "quantity": st.integers(1, 10),
                "add_ons": st.dictionaries(add_ons, st.integers(0, 3), min_size=1, max_size=2),
            },
        )

    def _how(self) -> Bodies:
        override = st.fixed_dictionaries(
            {},
            optional={
                "timing": st.sampled_from(["now", "period_end"]),
                "anchor": st.sampled_from(["keep", "restart"]),
                "proration": prorations,
                "settlement": settlements,
                "keep_pending": st.booleans(),
            },
        )
        return st.just({}) | override | self.dated("effective_at")

    def subscribe(self, offer: tuple[str, str], owner: dict[str, str]) -> Bodies:
        plan, interval = offer
        return st.fixed_dictionaries(
            {
                **{name: st.just(each) for name, each in owner.items()},
                "plan": st.just(self.key(plan)),
            },
            optional={
                "interval": st.just(interval),
                "quantity": st.integers(1, 10),
                "add_ons": st.just({self.key("guest"): 1}),
                "trial_days": st.integers(0, 20),
                "anchor": self.anchor(),
                "access_start": self.dates().map(written),
                "billing_start": self.dates().map(written),
                "ends_at": self.dates().map(written),
            },
        )

    def anchor(self) -> Bodies:
        days = st.integers(1, 31).map(lambda day: {"day_of_month": day})
        return days | st.just({"calendar": True}) | self.dated("at")

    def cancel(self, *, own: bool) -> Bodies:
        if own:
            return st.sampled_from([{}, {"when": "period_end"}])
        when = st.sampled_from(["now", "period_end"])
        how = st.fixed_dictionaries({}, optional={"when": when, "settlement": settlements})
        return how | self.dated("access_end")

    def pause(self) -> Bodies:
        dates = self.dates().map(written)
        modes = st.sampled_from(["credit", "extend"])
        return st.fixed_dictionaries({}, optional={"mode": modes, "at": dates, "resumes_at": dates})

    def trial(self) -> Bodies:
        return st.sampled_from([{"extend_days": 3}, {"end_now": True}]) | self.dated("end")

    def block(self, covered: list[dict[str, str]]) -> Bodies:
        effects = st.sampled_from([["access"], ["change"], ["access", "change"]])
        shape = st.fixed_dictionaries(
            {"name": st.sampled_from(["fraud", "audit"]), "effects": effects},
            optional={"until": self.dates().map(written)},
        )
        return st.builds(lambda what, whose: {**what, **whose}, shape, st.sampled_from(covered))

    def operations(self, offer: tuple[str, str]) -> st.SearchStrategy[list[dict[str, Any]]]:
        """One or two operations of a change set."""
        others = st.sampled_from(
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
                {"add_on": {"add_on": self.key("guest"), "quantity": 2}},
                {"add_on": {"add_on": self.key("pool"), "quantity": 0}},
            ]
        )
        change = self.change(offer, own=False).map(lambda body: {"change": body})
        return st.lists(change | others, min_size=1, max_size=2)
