"""Explanations: the steps, and the sentences."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from entitlements import explaining
from entitlements.explaining import Record
from entitlements.facts import Fact
from entitlements.words import Telling
from plans.terms import FeatureTerms
from tests.entitlements.given import at, fact, feature

TELLING = Telling(
    owner="Zone shop",
    zone="UTC",
    plans={f"{plan} 1": plan.capitalize() for plan in ("free", "pro", "business")},
)


def explained(
    of: FeatureTerms, facts: Sequence[Fact], instant: str = "2025-03-10", zone: str = "UTC"
) -> dict[str, Any]:
    record = Record(recorded_at=at("2025-01-01"), actor="client:cli_1", reason=None)
    return explaining.described(
        explaining.explain(of, facts, at(instant)),
        telling=Telling(TELLING.owner, zone, TELLING.plans),
        records=dict.fromkeys(facts, record),
        remedies=[],
    )


RULES = feature()
REGEX = feature("boolean")
REQUESTS = feature("metered")


@pytest.mark.parametrize(
    ("of", "facts", "words"),
    [
        (
            RULES,
            [
                fact(20, "2025-03-03", "2025-05-01", plan="pro"),
                fact(5, "2025-05-01", plan="free", cause="scheduled"),
            ],
            "Zone shop may use custom rules up to 20 rules: Pro gives 20 since 3 March 2025. "
            "Not blocked. Falls to 5 on 1 May 2025, when Free follows.",
        ),
        (
            RULES,
            [fact(5, plan="free"), fact(100, "2025-04-01", plan="business", number=2)],
            "Zone shop may use custom rules up to 5 rules: Free gives 5 since 1 January 2025. "
            "Not blocked. Rises to 100 on 1 April 2025, when Business follows.",
        ),
        (
            RULES,
            [fact(5, plan="free"), fact(20, plan="pro", number=2)],
            "Zone shop may use custom rules up to 20 rules: Pro gives 20 since 1 January 2025. "
            "Free gives 5, but another plan gives as much or more. Not blocked.",
        ),
        (
            feature(combine="sum"),
            [fact(5, plan="free"), fact(20, plan="pro", number=2)],
            "Zone shop may use custom rules up to 25 rules: Free gives 5 since 1 January 2025, "
            "Pro gives 20 since 1 January 2025. Not blocked.",
        ),
        (
            RULES,
            [fact({"unlimited": True}, plan="pro", end="2025-04-01")],
            "Zone shop may use custom rules without a limit: Pro gives no limit since "
            "1 January 2025. Not blocked. Ends on 1 April 2025.",
        ),
        (
            RULES,
            [fact(20, plan="pro", end="2025-02-01")],
            "Zone shop does not have custom rules: Pro gave it until 1 February 2025. Not blocked.",
        ),
        (
            RULES,
            [],
            "Zone shop does not have custom rules: nothing gives it. Not blocked.",
        ),
        (
            REGEX,
            [fact(False, of=REGEX, plan="free")],
            "Zone shop does not have custom rules: Free does not include it since "
            "1 January 2025. Not blocked.",
        ),
        (
            REGEX,
            [
                fact(True, "2025-01-01", "2025-04-01", of=REGEX, plan="business"),
                fact(False, "2025-04-01", of=REGEX, plan="pro", cause="scheduled"),
            ],
            "Zone shop has custom rules: Business gives it since 1 January 2025. Not blocked. "
            "Ends on 1 April 2025, when Pro follows.",
        ),
        (
            RULES,
            [
                fact(100, "2025-01-01", "2025-04-01", plan="business"),
                fact(100, "2025-04-01", plan="pro", cause="scheduled"),
            ],
            "Zone shop may use custom rules up to 100 rules: Business gives 100 since "
            "1 January 2025. Not blocked. Stays the same on 1 April 2025, when Pro follows.",
        ),
        (
            REGEX,
            [
                fact(True, "2025-01-01", "2025-04-01", of=REGEX, plan="business"),
                fact(True, "2025-04-01", of=REGEX, plan="pro", cause="scheduled"),
            ],
            "Zone shop has custom rules: Business gives it since 1 January 2025. Not blocked. "
            "Stays the same on 1 April 2025, when Pro follows.",
        ),
        (
            REQUESTS,
            [
                fact({"included": 9}, "2025-01-01", "2025-04-01", of=REQUESTS, plan="business"),
                fact({"included": 9, "overage": "allow"}, "2025-04-01", of=REQUESTS, plan="pro"),
            ],
            "Zone shop may use custom rules up to 9 rules: Business gives 9 since 1 January 2025. "
            "Not blocked. Changes on 1 April 2025, when Pro follows.",
        ),
        (
            REQUESTS,
            [fact({"included": 10_000_000}, of=REQUESTS, plan="pro")],
            "Zone shop may use custom rules up to 10,000,000 rules: Pro gives 10,000,000 since "
            "1 January 2025. Not blocked.",
        ),
        (
            feature("string"),
            [fact("eu", of=feature("string"), plan="pro")],
            "Zone shop has custom rules “eu”: Pro gives “eu” since 1 January 2025. Not blocked.",
        ),
    ],
)
def test_in_words(of: FeatureTerms, facts: Sequence[Fact], words: str) -> None:
    assert explained(of, facts)["in_words"] == words


def test_days_are_those_of_the_customers_calendar() -> None:
    midnight_in_berlin = [fact(20, "2025-02-28 23:00", plan="pro")]
    assert (
        "since 1 March 2025"
        in explained(RULES, midnight_in_berlin, zone="Europe/Berlin")["in_words"]
    )


def test_steps_lead_to_the_result_and_say_who_lost() -> None:
    told = explained(RULES, [fact(5, plan="free"), fact(20, plan="pro", number=2)])
    assert [
        (step["source"]["plan"], step["value_in"], step["value_out"], step["won"], step["because"])
        for step in told["steps"]
    ] == [
        ("free", None, 5, False, "another plan gives as much or more"),
        ("pro", 5, 20, True, "the highest of what plans give counts"),
    ]
    assert (told["result"]["value"], told["result"]["reason"]) == (20, "within_limit")


def test_an_ended_source_is_a_step_that_gives_nothing() -> None:
    told = explained(RULES, [fact(5, end="2025-01-10"), fact(20, "2025-01-10", "2025-02-01")])
    [step] = told["steps"]
    assert (step["until"], step["value_out"], step["won"]) == (at("2025-02-01"), None, False)
    assert step["because"] == "what it gave has ended"
    assert told["result"] == {
        "allowed": False,
        "reason": "expired",
        "type": "limit",
        "value": None,
        "unlimited": False,
        "unit": "rule",
    }


@pytest.mark.parametrize(
    ("following", "to", "cause"),
    [
        (fact(5, "2025-05-01", plan="free", cause="scheduled"), 5, "scheduled"),
        (
            fact({"unlimited": True}, "2025-05-01", plan="free", cause="fallback"),
            {"unlimited": True},
            "fallback",
        ),
        (fact(5, "2025-06-01", plan="free"), None, "ended"),  # a gap comes first
    ],
)
def test_the_next_change_says_from_what_to_what_and_why(
    following: Fact, to: Any, cause: str
) -> None:
    told = explained(RULES, [fact(20, "2025-03-03", "2025-05-01"), following])
    assert told["next_change"] == {"at": at("2025-05-01"), "from": 20, "to": to, "cause": cause}


def test_a_boundary_belongs_to_what_follows() -> None:
    facts = [fact(20, "2025-01-01", "2025-05-01"), fact(5, "2025-05-01", plan="free")]
    before = explaining.explain(RULES, facts, at("2025-05-01") - timedelta(microseconds=1))
    after = explaining.explain(RULES, facts, at("2025-05-01"))
    assert [before.steps[0].fact, after.steps[0].fact] == facts
