"""What an override does to what is there without it: tables, and that nothing else changes."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from core.money import Money
from entitlements import overrides, worth
from entitlements.facts import OVERRIDE, Fact
from entitlements.overrides import Mode, ModeNotAllowed, WindowRequired
from entitlements.resolution import resolve, segments
from entitlements.windows import WindowRule
from plans import values
from plans.numbers import MalformedValue
from plans.resets import ResetKind
from tests.entitlements.given import add_on, at, fact, feature, kept, override
from tests.entitlements.test_steps import FEATURES, RULES, UNLIMITED, found, told, value

NEVER = WindowRule(ResetKind.NEVER)


@pytest.mark.parametrize(
    ("facts", "result"),
    [
        ([fact(20), add_on(50), override(60)], 70),
        ([fact(20), add_on(50), override(80)], 80),
        ([fact(20), add_on(50), override(60, "set")], 60),
        ([fact(20), add_on(50), override(5, "add")], 75),
        ([fact(20), override(0, "set")], 0),
        ([fact(20), override(UNLIMITED)], UNLIMITED),
        ([fact(UNLIMITED), override(60)], UNLIMITED),
        ([fact(UNLIMITED), override(60, "set")], 60),
        ([fact(UNLIMITED), override(60, "add")], UNLIMITED),
        ([fact(20), override(30), kept(64)], 64),  # what is kept comes after
        ([fact(20), override(80), kept(64)], 80),
        ([fact(20), override(10, "set"), kept(15)], 15),
        ([override(60)], 60),  # nothing else is needed
        ([override(60, "set")], 60),
        ([override(60, "add")], 60),
    ],
)
def test_an_override_comes_after_add_ons_and_before_what_is_kept(
    facts: Sequence[Fact], result: Any
) -> None:
    assert value(facts) == result
    assert value(list(reversed(facts))) == result


@pytest.mark.parametrize(
    ("type", "base", "mode", "form", "result"),
    [
        ("boolean", False, "set", True, True),
        ("boolean", True, "set", False, False),
        ("string", "eu", "set", "us", "us"),
        ("config", {"a": 1}, "set", {}, {}),
        ("number_set", [80, 443], "at_least", [80, 8080], [80, 443, 8080]),
        ("number_set", [80, 443], "at_least", [80], [80, 443]),
        ("number_set", [80, 443], "add", [22], [22, 80, 443]),
        ("number_set", [80, 443], "set", [22], [22]),
        ("range", {"min": 2, "max": 4}, "at_least", {"min": 3, "max": 9}, {"min": 2, "max": 9}),
        ("range", {"min": 2, "max": 4}, "set", {"min": 3, "max": 9}, {"min": 3, "max": 9}),
    ],
)
def test_what_it_means_for_each_type(
    type: str, base: Any, mode: str, form: Any, result: Any
) -> None:
    of = feature(type)
    assert value([fact(base, of=of), override(form, mode, of=of)], of) == result


DAILY = {"included": 1000, "reset": {"calendar": "day"}, "overage": "allow", "zone": "UTC"}
OWN = {"included": 60, "reset": {"calendar": "month"}, "overage": "block"}


@pytest.mark.parametrize(
    ("mode", "form", "result", "window"),
    [
        ("at_least", {"included": 5000}, {**DAILY, "included": 5000}, "below"),
        ("at_least", {"included": 10}, DAILY, "below"),
        ("at_least", {"unlimited": True}, {**DAILY, "included": {"unlimited": True}}, "below"),
        ("add", {"included": 500}, {**DAILY, "included": 1500}, "below"),
        ("set", OWN, OWN, "own"),
        # set with the price period: in the window of what it is put on, with its own overage
        ("set", {"included": 60}, {**DAILY, "included": 60, "overage": "block"}, "below"),
    ],
)
def test_an_allowance_counts_in_the_window_of_what_is_there(
    mode: str, form: Any, result: Any, window: str
) -> None:
    of = feature("metered")
    below = WindowRule(ResetKind.CALENDAR, "day", "UTC")
    own = WindowRule(ResetKind.CALENDAR, "month", "Europe/Berlin")
    facts = [fact(DAILY, of=of, window=below), override(form, mode, of=of, zone="Europe/Berlin")]
    outcome = found(facts, of)
    assert outcome.value is not None
    assert values.to_json(outcome.value) == result
    assert outcome.window == (below if window == "below" else own)
    [segment] = segments(facts, {of.key: of}, at("2025-02-01"))
    assert segment.window == outcome.window


@pytest.mark.parametrize("mode", ["at_least", "add", "set"])
def test_an_allowance_that_nothing_else_gives_any_more_never_resets(mode: str) -> None:
    of = feature("metered")
    outcome = found([override({"included": 60}, mode, of=of)], of)
    assert outcome.value is not None
    assert values.to_json(outcome.value) == {"included": 60, "reset": "never", "overage": "block"}
    assert outcome.window == NEVER


def test_what_is_kept_counts_in_its_own_window() -> None:
    of = feature("metered")
    weekly = WindowRule(ResetKind.CALENDAR, "week", "UTC")
    left = kept({**DAILY, "included": 9000}, of=of)
    facts = [
        fact(DAILY, of=of, window=WindowRule(ResetKind.CALENDAR, "day", "UTC")),
        override({"included": 5000}, of=of),
    ]
    more = Fact(**{**{name: getattr(left, name) for name in left.__slots__}, "window": weekly})
    assert found([*facts, more], of).window == weekly


@pytest.mark.parametrize(
    ("facts", "trace"),
    [
        (
            [fact(20), override(60)],
            [
                ("plan", "max", None, 20, False, "at_least"),
                ("override", "at_least", 20, 60, True, ""),
            ],
        ),
        (
            [fact(20), override(10)],
            [("plan", "max", None, 20, True, ""), ("override", "at_least", 20, 20, False, "")],
        ),
        (
            [fact(20), override(10, "set")],
            [("plan", "max", None, 20, False, "set"), ("override", "set", 20, 10, True, "")],
        ),
        (
            [fact(20), override(5, "add")],
            [("plan", "max", None, 20, True, ""), ("override", "add", 20, 25, True, "")],
        ),
        (
            [fact(20), override(30), kept(64)],
            [
                ("plan", "max", None, 20, False, "at_least"),
                ("override", "at_least", 20, 30, False, "keep"),
                ("kept", "keep", 30, 64, True, ""),
            ],
        ),
    ],
)
def test_the_trace(facts: Sequence[Fact], trace: Any) -> None:
    assert [
        (step.step, step.rule, step.value_in, step.value_out, step.won, step.outdone_by)
        for step in found(facts).steps
    ] == trace


def test_its_start_and_end_are_definite_boundaries() -> None:
    facts = [fact(20), override(60, "at_least", "2025-02-10", "2025-03-01")]
    track = segments(facts, FEATURES, at("2025-02-01"))
    assert [(each.starts_at, each.ends_at, each.value) for each in track] == [
        (at("2025-01-01"), at("2025-02-10"), 20),
        (at("2025-02-10"), at("2025-03-01"), 60),
        (at("2025-03-01"), None, 20),
    ]
    moment = timedelta(microseconds=1)
    assert [
        resolve(facts, FEATURES, at("2025-03-01") + step).value("rules")
        for step in (-moment, 0 * moment)
    ] == [60, 20]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            [fact(20), override(60, "set")],
            "Zone shop may use custom rules up to 60 rules: an override of 60 since 1 January "
            "2025, because Agreed. Pro gives 20, but an override takes its place. Not blocked.",
        ),
        (
            [fact(20), override(5, "add", end="2025-04-01")],
            "Zone shop may use custom rules up to 25 rules: Pro gives 20 since 1 January 2025, an "
            "override that adds 5 since 1 January 2025 until 1 April 2025, because Agreed. Not "
            "blocked. Falls to 20 on 1 April 2025, when an override ends.",
        ),
        (
            [fact(20), override(10, end="2025-04-01")],
            "Zone shop may use custom rules up to 20 rules: Pro gives 20 since 1 January 2025. An "
            "override of at least 10 until 1 April 2025, but there is as much without it. Not "
            "blocked.",
        ),
        (
            [override(60, end="2025-01-20")],
            "Zone shop does not have custom rules: an override gave it until 20 January 2025. Not "
            "blocked.",
        ),
    ],
)
def test_the_sentences(facts: Sequence[Fact], words: str) -> None:
    reasons = {each.source.id: "Agreed." for each in facts if each.source.type == OVERRIDE}
    assert told(facts, reasons=reasons)["in_words"] == words
    assert "Agreed" not in told(facts)["in_words"]


def test_a_switch_in_words() -> None:
    of = feature("boolean")
    on, off = override(True, "set", of=of), override(False, "set", of=of)
    assert "an override gives it since" in told([fact(False, of=of), on], of)["in_words"]
    assert "an override takes it away since" in told([fact(True, of=of), off], of)["in_words"]


# --- what may be given ------------------------------------------------------------------------


@pytest.mark.parametrize("type", ["boolean", "string", "config"])
@pytest.mark.parametrize("mode", [Mode.AT_LEAST, Mode.ADD])
def test_what_has_no_order_is_only_set(type: str, mode: Mode) -> None:
    with pytest.raises(ModeNotAllowed):
        overrides.check_mode(feature(type), mode)
    overrides.check_mode(feature(type), Mode.SET)
    assert overrides.default_mode(type) == Mode.SET


@pytest.mark.parametrize(
    ("type", "mode", "form", "pointer"),
    [
        ("limit", "set", "many", "/value"),
        ("limit", "set", -1, "/value"),
        ("limit", "set", {"per_unit": 5}, "/value"),
        ("limit", "set", None, "/value"),
        ("metered", "set", {"per_unit": 5}, "/value"),
        ("metered", "set", {"included": "x"}, "/value/included"),
        ("metered", "add", {"included": 5, "reset": "never"}, "/value/reset"),
        ("metered", "at_least", {"included": 5, "overage": "allow"}, "/value/overage"),
        ("metered", "at_least", {"included": 5, "zone": "UTC"}, "/value/zone"),
        ("metered", "at_least", 5, "/value"),
        ("number_set", "set", [1, "x"], "/value/1"),
        ("range", "set", {"min": 2, "max": 1}, "/value/max"),
    ],
)
def test_values_that_cannot_be(type: str, mode: str, form: Any, pointer: str) -> None:
    with pytest.raises(MalformedValue) as refused:
        overrides.parse(feature(type), Mode(mode), form)
    assert [each.pointer for each in refused.value.errors] == [pointer]


@pytest.mark.parametrize(
    ("mode", "form", "refused"),
    [
        ("at_least", {"included": 5}, True),
        ("add", {"included": 5}, True),
        ("set", {"included": 5}, True),
        ("set", {"included": 5, "reset": "never"}, False),
    ],
)
def test_use_needs_something_to_be_counted_in(mode: str, form: Any, refused: bool) -> None:
    of = feature("metered")
    given = overrides.parse(of, Mode(mode), form)
    overrides.check_window(Mode(mode), given, below=given)
    with pytest.raises(WindowRequired) if refused else nullcontext():
        overrides.check_window(Mode(mode), given, below=None)


# --- what it gives away -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2025-01-31", "2025-03-31", Fraction(2)),
        ("2025-01-31", "2025-02-28", Fraction(1)),
        ("2025-03-01", "2025-03-11", Fraction(10, 31)),
        ("2025-01-10", "2025-02-17", 1 + Fraction(7, 28)),
        ("2025-01-01", "2026-01-01", Fraction(12)),
        ("2025-01-01", None, Fraction(12)),
    ],
)
def test_months_are_exact(start: str, end: str | None, months: Fraction) -> None:
    assert worth.months(at(start), at(end) if end else None, zone="UTC") == months


@pytest.mark.parametrize(
    ("before", "after", "price", "months", "cents"),
    [
        (20, 60, "0.50", Fraction(2), 4000),
        (None, 60, "0.50", Fraction(2), 6000),
        (20, 20, "0.50", Fraction(2), 0),
        (20, 10, "0.50", Fraction(2), None),  # less
        (20, 60, None, Fraction(2), None),  # no list price
        (20, UNLIMITED, "0.50", Fraction(2), None),  # no number
        (UNLIMITED, UNLIMITED, "0.50", Fraction(2), None),
        (0, 1, "0.01", Fraction(1, 2), 1),  # half a cent, away from zero
        (0, 3, "0.005", Fraction(1, 31), 0),
    ],
)
def test_what_is_given_away(
    before: Any, after: Any, price: str | None, months: Fraction, cents: int | None
) -> None:
    given = worth.given(
        None if before is None else values.parse("limit", before),
        values.parse("limit", after),
        list_price=None if price is None else Decimal(price),
        months=months,
        currency="USD",
    )
    assert given == (None if cents is None else Money(cents, "USD"))


@pytest.mark.parametrize(
    ("before", "after", "cents", "price", "above", "needed"),
    [
        (20, 60, 4000, "0.50", {"USD": 3999}, True),
        (20, 60, 4000, "0.50", {"USD": 4000}, False),
        (20, 60, 4000, "0.50", {"EUR": 1}, False),
        (20, 60, 4000, "0.50", {}, False),
        (20, 60, None, None, {"USD": 0}, False),
        (20, UNLIMITED, None, "0.50", {"USD": 10**9}, True),
        (20, UNLIMITED, None, None, {"USD": 0}, False),
        (UNLIMITED, UNLIMITED, None, "0.50", {"USD": 0}, False),
    ],
)
def test_who_else_has_to_approve(
    before: Any, after: Any, cents: int | None, price: str | None, above: Any, needed: bool
) -> None:
    assert (
        worth.needs_approval(
            values.parse(RULES.type, before),
            values.parse(RULES.type, after),
            worth=None if cents is None else Money(cents, "USD"),
            list_price=None if price is None else Decimal(price),
            above={currency: Money(amount, currency) for currency, amount in above.items()},
            currency="USD",
        )
        is needed
    )
