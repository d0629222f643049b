"""Whatever is given, withheld and blocked: the steps lead to the value, at every instant."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from entitlements import blocks
from entitlements.blocks import Block
from entitlements.facts import Fact
from entitlements.overrides import Mode
from entitlements.resolution import Outcome, resolve, segments
from plans import values
from tests.entitlements.given import add_on, at, fact, kept, override
from tests.entitlements.test_steps import FEATURES, FIRST, MOMENT, UNLIMITED, told

KINDS = ["plan", "add", "replace", "kept", "override"]


@st.composite
def mixtures(draw: st.DrawFn) -> list[Fact]:
    """Facts of every kind, some of them withheld, with ends within a month."""
    made: list[Fact] = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        for kind in draw(st.lists(st.sampled_from(KINDS), max_size=3)):
            first, last = sorted(draw(st.lists(st.integers(1, 28), min_size=2, max_size=2)))
            if first == last:
                continue
            form = draw(st.one_of(st.integers(0, 50), st.just(UNLIMITED)))
            when = (f"2025-01-{first:02d}", f"2025-01-{last:02d}")
            each = {
                "plan": lambda: fact(form, *when, number=number),  # noqa: B023 - called below
                "kept": lambda: kept(form, *when),  # noqa: B023
                "override": lambda: override(form, draw(st.sampled_from(Mode)), *when),  # noqa: B023
            }.get(kind, lambda: add_on(form, kind, *when, number=number))()  # noqa: B023
            of_override = kind == "override"  # of no subscription, so never paused
            own = replace(  # facts of one source do not overlap
                each.source,
                id=f"{each.source.id}_{len(made)}",
                subscription="" if of_override else each.source.subscription_id,
            )
            paused = not of_override and draw(st.booleans())
            made.append(replace(each, source=own, paused=paused))
    return made


narrow_blocks = st.lists(
    st.builds(
        lambda days, name, covers: Block(
            name, at(f"2025-01-{min(days):02d}"), at(f"2025-01-{max(days) + 1:02d}"), **covers
        ),
        st.sets(st.integers(1, 28), min_size=1, max_size=2),
        st.sampled_from(["a", "b"]),
        st.sampled_from([{"subscription_id": FIRST}, {"product": "zones"}, {"product": "none"}]),
    ),
    max_size=3,
)


@settings(max_examples=200, deadline=None)
@given(facts=mixtures(), held=narrow_blocks, seed=st.randoms())
def test_steps_lead_to_the_value_in_any_order_and_at_every_boundary(
    facts: list[Fact], held: list[Block], seed: Any
) -> None:
    cut = blocks.withheld(facts, held)
    shuffled = list(cut)
    seed.shuffle(shuffled)
    track = segments(cut, FEATURES, at("2025-01-01"))
    ends = {each.starts_at for each in cut} | {each.ends_at for each in cut if each.ends_at}
    for instant in sorted(end + step for end in ends for step in (-MOMENT, 0 * MOMENT, MOMENT)):
        result = resolve(cut, FEATURES, instant).outcomes.get("rules", Outcome(None, ()))
        other = resolve(shuffled, FEATURES, instant).outcomes.get("rules", Outcome(None, ()))
        assert (other.value, other.paused, other.blocked_by) == (
            result.value,
            result.paused,
            result.blocked_by,
        )
        folded = None
        for step in result.steps:
            assert step.value_in == folded
            folded = step.value_out
        assert folded == result.value
        holding = [each for each in track if each.is_in_effect(instant)]
        assert [(each.value, each.paused, each.blocked_by) for each in holding] == (
            [] if folded is None else [(folded, result.paused, result.blocked_by)]
        )
        assert (result.value is None) == (result.winners == ())


@settings(max_examples=100, deadline=None)
@given(facts=mixtures(), held=narrow_blocks)
def test_a_block_never_gives_more(facts: list[Fact], held: list[Block]) -> None:
    """It takes access away; what stays accessible is at most what was."""
    giving = [replace(each, paused=False) for each in facts if each.effect != "replace"]
    cut = blocks.withheld(giving, held)
    for day in range(1, 29):
        instant = at(f"2025-01-{day:02d}")
        before = resolve(giving, FEATURES, instant).value("rules")
        after = resolve(cut, FEATURES, instant).outcomes.get("rules", Outcome(None, ()))
        if after.value is None or after.blocked_by:
            continue
        assert before is not None
        assert values.compare(before, after.value) in ("same", "less")


@settings(max_examples=100, deadline=None)
@given(facts=mixtures(), held=narrow_blocks, by=st.lists(st.just("fraud"), max_size=1))
def test_whatever_there_is_can_be_told(facts: list[Fact], held: list[Block], by: list[str]) -> None:
    cut = [replace(each, ends_at=None) for each in blocks.withheld(facts, held)]
    answer = told(cut, by=by)
    assert len(answer["steps"]) == len(cut)
    assert all(step["because"] for step in answer["steps"])
    assert not (by and answer["result"]["allowed"])
