"""The order of rules beyond base plans: add-ons, what a downgrade leaves, pauses and blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from entitlements import blocks, explaining, timelines
from entitlements.blocks import Block
from entitlements.decisions import Decision, Reason, decide
from entitlements.explaining import Record
from entitlements.facts import Fact
from entitlements.resolution import Outcome, outcome, resolve, segments
from entitlements.timelines import standing
from entitlements.words import Telling
from plans import values
from plans.terms import FeatureTerms
from tests.entitlements.given import add_on, at, fact, feature, kept, source

NOW = "2025-02-01"
UNLIMITED = {"unlimited": True}
RULES = feature()
FEATURES = {RULES.key: RULES}
MOMENT = timedelta(microseconds=1)


def found(facts: Sequence[Fact], of: FeatureTerms = RULES) -> Outcome:
    return outcome(of, facts)


def value(facts: Sequence[Fact], of: FeatureTerms = RULES) -> Any:
    result = found(facts, of).value
    return None if result is None else values.to_json(result)


# --- add-ons ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "result"),
    [
        ([fact(20), add_on(50)], 70),
        ([fact(20), add_on(50, key="a"), add_on(5, key="b")], 75),
        ([fact(20), add_on(7, "replace")], 7),  # less, too
        ([fact(20), add_on(50), add_on(100, "replace", key="b")], 150),  # replace before add
        ([fact(20), add_on(100, "replace", key="a"), add_on(60, "replace", key="b")], 100),
        ([fact(20), add_on(UNLIMITED)], UNLIMITED),
        ([fact(UNLIMITED), add_on(50)], UNLIMITED),
        ([fact(UNLIMITED), add_on(50, "replace")], 50),
        ([fact(5, number=1), fact(20, number=2), add_on(50, number=1)], 70),
        ([add_on(50)], 50),
    ],
)
def test_add_ons_replace_before_they_add(facts: Sequence[Fact], result: Any) -> None:
    assert value(facts) == result
    assert value(list(reversed(facts))) == result


@pytest.mark.parametrize(
    ("type", "combine", "base", "more", "result"),
    [
        ("boolean", None, False, True, True),
        ("boolean", None, True, False, True),
        ("limit", "min", 20, 5, 25),  # adding adds, however plans are combined
        ("number_set", None, [80, 443], [80, 8080], [80, 443, 8080]),
        ("range", None, {"min": 2, "max": 4}, {"min": 3, "max": 9}, {"min": 2, "max": 9}),
    ],
)
def test_what_adding_means_depends_on_the_type(
    type: str, combine: str | None, base: Any, more: Any, result: Any
) -> None:
    of = feature(type, combine=combine)
    assert value([fact(base, of=of), add_on(more, of=of)], of) == result


@pytest.mark.parametrize(("type", "forms"), [("string", ("eu", "us")), ("config", ({}, {"a": 1}))])
def test_texts_and_settings_are_replaced(type: str, forms: tuple[Any, Any]) -> None:
    of = feature(type)
    assert value([fact(forms[0], of=of), add_on(forms[1], "replace", of=of)], of) == forms[1]


def test_an_allowance_that_is_added_counts_in_the_plans_window() -> None:
    of = feature("metered")
    base = {"included": 1000, "reset": {"calendar": "month"}, "overage": "allow"}
    more = {"included": 500, "reset": "never", "overage": "block"}
    assert value([fact(base, of=of), add_on(more, of=of)], of) == {**base, "included": 1500}


def test_the_trace_of_add_ons() -> None:
    facts = [fact(20), add_on(100, "replace", key="a"), add_on(5, key="b")]
    assert [
        (step.step, step.rule, step.value_in, step.value_out, step.won, step.outdone_by)
        for step in found(facts).steps
    ] == [
        ("plan", "max", None, 20, False, "replace"),
        ("add_on", "replace", 20, 100, True, ""),
        ("add_on", "add", 100, 105, True, ""),
    ]


# --- what a downgrade leaves ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "result"),
    [
        ([fact(20), kept(64)], 64),
        ([fact(20), kept(10)], 20),
        ([fact(20), kept(20)], 20),
        ([fact(20), add_on(50), kept(64)], 70),  # after add-ons
        ([fact(20), kept(UNLIMITED)], UNLIMITED),
        ([kept(64)], 64),
    ],
)
def test_what_a_downgrade_leaves_counts_while_it_is_more(
    facts: Sequence[Fact], result: Any
) -> None:
    assert value(facts) == result
    winners = [fact.source.type for fact in found(facts).winners]
    assert ("kept" in winners) == (result in (64, UNLIMITED))


def test_sixty_four_rules_are_kept_for_thirty_days_and_then_there_are_twenty() -> None:
    facts = [fact(20, "2025-03-01"), kept(64, "2025-03-01", "2025-03-31")]
    track = segments(facts, FEATURES, at("2025-03-01"))
    assert [(each.value, each.starts_at, each.ends_at) for each in track] == [
        (64, at("2025-03-01"), at("2025-03-31")),
        (20, at("2025-03-31"), None),
    ]


# --- pauses and blocks ------------------------------------------------------------------------


def paused(given_: Fact) -> Fact:
    return replace(given_, paused=True)


def decided(facts: Sequence[Fact], quantity: int = 1, **more: Any) -> Decision:
    track = segments(facts, FEATURES, at(NOW))
    return decide(standing(track, at(NOW)), Decimal(quantity), **more)


def test_a_pause_leaves_the_value_and_takes_access() -> None:
    facts = [paused(fact(20)), paused(add_on(50))]
    assert (value(facts), found(facts).paused) == (70, True)
    assert decided(facts) == Decision(False, Reason.PAUSED)


def test_what_is_paused_does_not_count_beside_what_is_not() -> None:
    facts = [paused(fact(100, number=1)), fact(20, number=2)]
    result = found(facts)
    assert (result.value, result.paused) == (20, False)
    assert decided(facts) == Decision(True, Reason.WITHIN_LIMIT)
    assert [(step.rule, step.won, step.value_out) for step in result.steps] == [
        ("max", True, 20),
        ("paused", False, 20),
    ]


@pytest.mark.parametrize(
    ("given_", "blocked", "decision"),
    [
        ([fact(20)], [], Decision(True, Reason.WITHIN_LIMIT)),
        ([fact(20)], ["fraud"], Decision(False, Reason.BLOCKED, ("fraud",))),
        ([fact(20)], ["legal", "fraud"], Decision(False, Reason.BLOCKED, ("fraud", "legal"))),
        ([paused(fact(20))], ["fraud"], Decision(False, Reason.BLOCKED, ("fraud",))),
        ([fact(0)], ["fraud"], Decision(False, Reason.NOT_ENTITLED, ("fraud",))),
        ([], ["fraud"], Decision(False, Reason.NOT_ENTITLED, ("fraud",))),
        ([fact(20, end="2025-01-15")], ["fraud"], Decision(False, Reason.EXPIRED, ("fraud",))),
    ],
)
def test_a_block_of_an_owner_denies_what_is_given(
    given_: Sequence[Fact], blocked: list[str], decision: Decision
) -> None:
    assert decided(given_, blocks=blocked) == decision


def test_a_blocked_limit_is_blocked_whatever_is_asked_for() -> None:
    assert decided([fact(20)], 21).reason == Reason.LIMIT_REACHED
    assert decided([fact(20)], 21, blocks=["fraud"]).reason == Reason.BLOCKED


def block(
    start: str = "2025-01-10", end: str | None = "2025-03-01", *, name: str = "abuse", **of: str
) -> Block:
    return Block(name, at(start), None if end is None else at(end), **of)


FIRST, SECOND = source("", number=1).id, source("", number=2).id


@pytest.mark.parametrize(
    ("covers", "facts", "decision", "result"),
    [
        ({"subscription_id": FIRST}, [fact(20)], Decision(False, Reason.BLOCKED, ("abuse",)), 20),
        ({"subscription_id": SECOND}, [fact(20)], Decision(True, Reason.WITHIN_LIMIT), 20),
        ({"product": "zones"}, [fact(20)], Decision(False, Reason.BLOCKED, ("abuse",)), 20),
        ({"product": "teams"}, [fact(20)], Decision(True, Reason.WITHIN_LIMIT), 20),
        (
            {"subscription_id": FIRST},
            [fact(20), add_on(50)],  # the add-on belongs to it
            Decision(False, Reason.BLOCKED, ("abuse",)),
            70,
        ),
        (
            {"subscription_id": FIRST},
            [fact(100, number=1), fact(20, number=2)],  # another subscription goes on
            Decision(True, Reason.WITHIN_LIMIT),
            20,
        ),
    ],
)
def test_a_narrow_block_takes_what_comes_through_it(
    covers: dict[str, str], facts: Sequence[Fact], decision: Decision, result: int
) -> None:
    cut = blocks.withheld(facts, [block(**covers)])
    assert decided(cut) == decision
    assert resolve(cut, FEATURES, at(NOW)).value("rules") == result


def test_narrow_blocks_cut_facts_where_they_begin_and_end() -> None:
    by = {"subscription_id": FIRST}
    two = [block(**by), block("2025-02-10", None, name="legal", **by)]
    parts = blocks.withheld([fact(20, "2025-01-01", "2025-06-01")], two)
    assert [(f"{each.starts_at:%d %b}", each.blocked_by) for each in parts] == [
        ("01 Jan", ()),
        ("10 Jan", ("abuse",)),
        ("10 Feb", ("abuse", "legal")),
        ("01 Mar", ("legal",)),
    ]
    assert [each.ends_at for each in parts] == [
        *(each.starts_at for each in parts[1:]),
        at("2025-06-01"),
    ]


def test_blocks_of_a_whole_owner_are_read_by_time() -> None:
    held = [block(), block("2025-02-10", None, name="legal"), block(name="x", product="zones")]
    ends = [at("2025-01-10"), at("2025-02-10"), at("2025-03-01")]
    assert [blocks.names(held, each - MOMENT) for each in ends] == [
        (),
        ("abuse",),
        ("abuse", "legal"),
    ]
    assert [blocks.names(held, each) for each in ends] == [
        ("abuse",),
        ("abuse", "legal"),
        ("legal",),
    ]
    assert blocks.changes_at(held, at("2025-01-01")) == at("2025-01-10")
    assert blocks.changes_at(held, at("2025-03-01")) is None
    assert blocks.withheld([fact(20)], held[:2]) == [fact(20)]


def test_what_withholds_is_stored_with_the_timeline() -> None:
    facts = [
        replace(fact(20, "2025-01-01", "2025-02-01"), blocked_by=("abuse",), paused=True),
        add_on(5, "add", "2025-02-01"),
    ]
    track = segments(facts, FEATURES, at("2025-01-01"))
    assert [(each.paused, each.blocked_by) for each in track] == [(True, ("abuse",)), (False, ())]
    assert timelines.from_json(timelines.to_json(track), FEATURES) == track


# --- in words ---------------------------------------------------------------------------------


def told(
    facts: Sequence[Fact],
    of: FeatureTerms = RULES,
    *,
    by: Sequence[str] = (),
    reasons: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    record = Record(recorded_at=at("2025-01-01"), actor=None, reason=None)
    telling = Telling(
        owner="Zone shop",
        zone="UTC",
        plans={"pro 1": "Pro", "business 1": "Business"},
        add_ons={"extra 1": "Extra Rules", "a 1": "Small Rules"},
        reasons=reasons or {},
    )
    return explaining.described(
        explaining.explain(of, facts, at(NOW), blocks=by),
        telling=telling,
        records=dict.fromkeys(facts, record),
        remedies=[],
    )


@pytest.mark.parametrize(
    ("facts", "by", "words"),
    [
        (
            [fact(20), add_on(50, end="2025-05-01")],
            [],
            "Zone shop may use custom rules up to 70 rules: Pro gives 20 since 1 January 2025, "
            "add-on Extra Rules adds 50 since 1 January 2025. Not blocked. "
            "Falls to 20 on 1 May 2025, when add-on Extra Rules ends.",
        ),
        (
            [fact(20), add_on(50, start="2025-05-01")],
            [],
            "Zone shop may use custom rules up to 20 rules: Pro gives 20 since 1 January 2025. "
            "Not blocked. Rises to 70 on 1 May 2025, when add-on Extra Rules begins.",
        ),
        (
            [fact(20), add_on(50, "replace")],
            [],
            "Zone shop may use custom rules up to 50 rules: add-on Extra Rules gives 50 since "
            "1 January 2025. Pro gives 20, but an add-on takes its place. Not blocked.",
        ),
        (
            [fact(20), add_on(40, "replace", key="a"), add_on(50, "replace"), kept(45)],
            [],
            "Zone shop may use custom rules up to 50 rules: add-on Extra Rules gives 50 since "
            "1 January 2025. Pro gives 20, but an add-on takes its place. Add-on Small Rules gives "
            "40, but another add-on counts. What Business gave before leaves 45, but there is as "
            "much without it. Not blocked.",
        ),
        (
            [fact(20), kept(64, end="2025-03-01")],
            [],
            "Zone shop may use custom rules up to 64 rules: what Business gave before leaves 64 "
            "since 1 January 2025. Pro gives 20, but more is kept from before a downgrade. "
            "Not blocked. Falls to 20 on 1 March 2025, when Pro follows.",
        ),
        (
            [fact(20)],
            ["fraud", "legal"],
            "Zone shop may not use custom rules now: Pro gives 20 since 1 January 2025. "
            "Blocked by fraud, legal.",
        ),
        (
            [paused(fact(20, end="2025-03-01")), fact(20, "2025-03-01")],
            [],
            "Zone shop may not use custom rules now: Pro gives 20 since 1 January 2025. "
            "Paused. Access changes on 1 March 2025, when Pro follows.",
        ),
        (
            [paused(fact(100, plan="business", number=1)), fact(20, number=2)],
            [],
            "Zone shop may use custom rules up to 20 rules: Pro gives 20 since 1 January 2025. "
            "Business gives 100, but it is paused. Not blocked.",
        ),
    ],
)
def test_in_words(facts: Sequence[Fact], by: Sequence[str], words: str) -> None:
    answer = told(facts, by=by)
    assert answer["in_words"] == words
    assert answer["blocked_by"] == list(by)
