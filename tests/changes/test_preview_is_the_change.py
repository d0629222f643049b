"""Whatever a subscription has been through: what a preview shows is what then happens."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from changes.differences import written
from entitlements import queries as entitlements
from plans import values
from tests.changes.conftest import Changes

NUMBERS = count()
ADD_ONS = {
    "team_hobby": ["team_more_projects"],
    "team_studio": ["team_more_projects", "team_more_builds", "team_audit"],
    "team_agency": ["team_more_builds"],
}
waits = st.sampled_from([0, 0, 1, 9, 20, 45])
timings = st.sampled_from([{}, {}, {"timing": "now"}, {"timing": "period_end"}])


def sensible(row: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return operations that mostly are not refused, for a subscription as it stands."""
    others = sorted(ADD_ONS.keys() - {row["plan"]})
    found = [
        st.builds(
            lambda plan, interval, timing: {
                "change": {"plan": plan, "interval": interval, **timing}
            },
            st.sampled_from(others),
            st.sampled_from(["month", "month", "year"]),
            timings,
        ),
        st.builds(
            lambda key, number: {"add_on": {"add_on": key, "quantity": number}},
            st.sampled_from(ADD_ONS[row["plan"]]),
            st.integers(0, 2),
        ),
    ]
    if row["plan"] == "team_studio":
        found.append(st.builds(lambda n: {"quantity": {"quantity": n}}, st.integers(2, 6)))
    if row["state"] == "paused":
        found = [st.just({"resume": {}})]
    elif row["plan"] != "team_hobby":
        found.append(st.sampled_from([{"pause": {"mode": "extend"}}, {"pause": {}}]))
        found.append(st.just({"anchor": {"day_of_month": 5}}))
    if any(each["kind"] == "end" for each in row["pending"]):
        found.append(st.just({"uncancel": {}}))
    elif row["plan"] != "team_hobby":
        found.append(st.sampled_from([{"cancel": {}}, {"cancel": {"when": "now"}}]))
    return st.one_of(found)


@pytest.mark.slow
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_what_is_previewed_is_what_happens(invented: Changes, data: st.DataObject) -> None:
    team = _Team(invented)
    for _ in range(5):
        team.wait(data.draw(waits))
        asked = [data.draw(sensible(team.standing()))]
        if data.draw(st.booleans()):
            asked.append(data.draw(sensible(team.standing())))
        made = team.ask(asked)
        if made is None:
            continue
        applied = team.apply_as_shown(made)
        if data.draw(st.booleans()):
            undo = team.undo(applied)
            if undo is not None:
                team.apply_as_shown(undo)


class _Team:
    """A team that begins on Hobby on 31 January 2026, on a clock of its own."""

    def __init__(self, world: Changes) -> None:
        self.world = world
        world.starts_on("2026-01-31")
        self.now = datetime.fromisoformat("2026-01-31T00:00:00+00:00")
        number = next(NUMBERS)
        self.customer = world.customer(f"c{number}", currency="EUR", zone="Europe/Berlin")
        path = f"customers/{self.customer}/subjects"
        self.id = world.post(path, status=201, key=f"t{number}", kind="team")["resource"]["id"]
        self.subscription = world.subscription(self.id)["id"]

    def standing(self) -> dict[str, Any]:
        return self.world.get(f"subscriptions/{self.subscription}")

    def wait(self, days: int) -> None:
        if days:
            self.now += timedelta(days=days)
            self.world.advance_to(written(self.now))

    def ask(self, operations: list[dict[str, Any]]) -> dict[str, Any] | None:
        body = {"subscription": self.subscription, "operations": operations, "reason": "a test"}
        return self._made("change-sets", body)

    def undo(self, applied: dict[str, Any]) -> dict[str, Any] | None:
        return self._made(f"change-sets/{applied['id']}/undo", {})

    def apply_as_shown(self, made: dict[str, Any]) -> dict[str, Any]:
        """Apply a change set, and hold every part of its preview against what can be seen."""
        shown = made["item"]["preview"]
        dates = [self.now, *(_read(each["at"]) for each in shown["entitlements"])]
        dates = sorted({each for each in dates if each >= self.now})
        held = {at: self._held(at) for at in dates}
        charged, balance = self._charges(), self._balance()
        documents = self.world.documents(self.id)

        applied = self.world.decide(made, "apply")

        new = self._charges()[len(charged) :]
        assert sorted(new) == sorted(_charge(each) for each in shown["money"]["charges"])
        assert self._balance() - balance == shown["money"]["credit_balance_change"]["amount"]
        for at in dates:
            after = self._held(at)
            rows = {
                each["feature"]: (each["before"], each["after"])
                for each in shown["entitlements"]
                if each["at"] == written(at)
            }
            found = {
                name: (held[at].get(name), after.get(name))
                for name in held[at].keys() | after.keys()
                if held[at].get(name) != after.get(name)
            }
            assert rows.items() <= found.items()
            if at == self.now:
                assert rows == found
        self._documents_as_shown(shown, documents)
        self._standing_as_shown(applied["item"]["after"])
        self._next_invoice_as_shown(shown["money"]["next_invoice"])
        return applied

    def _documents_as_shown(self, shown: dict[str, Any], before: dict[str, Any]) -> None:
        rows = {
            each["service"]: each
            for each in shown["provisioning"]
            if each["at"] == written(self.now) and each["owner"] == self.id
        }
        after = self.world.documents(self.id)
        assert {name for name in after if after[name] != before.get(name)} == set(rows)
        for name, row in rows.items():
            for member, value in row["after"].items():
                if member == "entitlements":
                    assert value.items() <= after[name][member].items()
                else:
                    assert after[name][member] == value

    def _standing_as_shown(self, after: dict[str, Any]) -> None:
        now = self.world.get(f"subscriptions/{self.subscription}")
        for name in after.keys() & now.keys() - {"pending"}:
            assert now[name] == after[name], name
        assert _planned(now) == _planned(after)

    def _next_invoice_as_shown(self, invoice: dict[str, Any] | None) -> None:
        """Sometimes go there, and see."""
        if invoice is None or _read(invoice["at"]).day % 2:
            return
        charged = self._charges()
        self.wait((_read(invoice["at"]) - self.now).days)
        if self.now != _read(invoice["at"]):
            self.now = _read(invoice["at"])
            self.world.advance_to(written(self.now))
        new = self._charges()[len(charged) :]
        assert (
            sum(amount for kind, _, amount in new if kind != "forfeited")
            == (invoice["amount"]["amount"])
        )

    def _made(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Return the change set that a request made; None if the commands refused."""
        answer = self.world.client.post(
            f"/v1/{path}",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.world.token}"},
        )
        assert answer.status_code in (201, 404, 409, 422), answer.content
        return answer.json()["resource"] if answer.status_code == 201 else None

    def _charges(self) -> list[tuple[str, str, int]]:
        path = f"subscriptions/{self.subscription}/charges"
        data = self.world.get(path, limit=100)["data"]
        return [_charge(each) for each in reversed(data)]

    def _balance(self) -> int:
        found = self.world.get(f"customers/{self.customer}/credit-balance")["balances"]
        return sum(each["amount"] for each in found)

    def _held(self, at: datetime) -> dict[str, Any]:
        return dict(self._values(at))

    def _values(self, at: datetime) -> Iterator[tuple[str, Any]]:
        for timeline in entitlements.timelines([self.id]).values():
            for feature, segment in timeline.at(at).items():
                if not (segment.paused or segment.blocked_by):
                    yield feature, values.to_json(segment.value)


def _planned(row: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return sorted(
        (each["effective_at"], each["kind"], each["add_on"], str(each["plan"]))
        for each in row["pending"]
    )


def _charge(shown: dict[str, Any]) -> tuple[str, str, int]:
    return shown["kind"], f"{shown['item']} {shown['price']}", shown["amount"]["amount"]


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)
