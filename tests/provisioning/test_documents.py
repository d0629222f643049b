"""The document: what it says, what its hash covers, when its generation rises."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlements.resolution import Segment
from entitlements.timelines import Timeline
from plans import values
from plans.terms import Downgrade, DowngradePolicy, FeatureTerms, Scope
from plans.values import COMBINES, FeatureType
from provisioning import documents
from provisioning.documents import Desired, Holding, Names, Owner

CUSTOMER = "cus_01jd3vq6n0e6rt1c7h9a2b4c5d"
SUBJECT = "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e"
TARGET = "tgt_01jd3vq6n0e6rt1c7h9a2b4c5f"
OWNER = Owner(CUSTOMER, SUBJECT)
GRACE = timedelta(days=30)


def day(number: int) -> datetime:
    """The ``number``-th of January 2026."""
    return datetime(2026, 1, number, tzinfo=UTC)


def feature(key: str = "rules", type: str = "limit") -> FeatureTerms:
    return FeatureTerms(
        id="ftr_01jd3vq6n0e6rt1c7h9a2b4c5h",
        key=key,
        name=key,
        type=FeatureType(type),
        unit="",
        scope=Scope.SUBJECT,
        combine=COMBINES[type][0],
        product_service="edge",
        downgrade=Downgrade(DowngradePolicy.TRIM),
    )


def timeline(*pieces: tuple[Any, int, int | None], type: str = "limit") -> Timeline:
    """A timeline of ``rules``: (value, first day, day of its end)."""
    segments = tuple(
        Segment(
            feature="rules",
            starts_at=day(start),
            ends_at=None if end is None else day(end),
            value=values.parse(type, form),
            sources=(),
            window=None,
        )
        for form, start, end in pieces
    )
    return Timeline(SUBJECT, CUSTOMER, SUBJECT, 1, day(1), segments)


def granted(held: Timeline, number: int, type: str = "limit") -> dict[str, Any]:
    found = documents.holding(held, {"rules": feature(type=type)}, day(number))
    assert (found.is_denied, found.blocks) == (False, ())
    return dict(found.entitlements)


@pytest.mark.parametrize(
    ("pieces", "at", "value", "until"),
    [
        ([(20, 1, None)], 2, 20, None),  # nothing ends it
        ([(20, 1, 10)], 2, 20, "2026-01-10T00:00:00Z"),  # it ends, and nothing follows
        ([(20, 1, 10), (5, 10, None)], 2, 20, None),  # another value follows
        ([(20, 1, 10), (5, 10, None)], 10, 5, None),  # at the boundary the new value holds
        ([(20, 1, 10), (5, 10, 20)], 12, 5, "2026-01-20T00:00:00Z"),  # the last one ends
        ([(20, 1, 10), (5, 15, None)], 2, 20, "2026-01-10T00:00:00Z"),  # a gap: nothing right after
    ],
)
def test_until_is_set_only_where_no_other_value_follows(
    pieces: list[Any], at: int, value: int, until: str | None
) -> None:
    assert granted(timeline(*pieces), at) == {
        "rules": {"type": "limit", "value": value, "until": until, "trim": False}
    }


@pytest.mark.parametrize("at", [10, 11])
def test_what_has_ended_is_absent(at: int) -> None:
    assert granted(timeline((20, 1, 10)), at) == {}


def test_features_of_other_services_are_absent() -> None:
    assert documents.holding(timeline((20, 1, None)), {}, day(2)) == Holding()
    assert documents.holding(None, {"rules": feature()}, day(2)) == Holding()


@pytest.mark.parametrize(
    ("type", "form", "written"),
    [
        ("boolean", False, False),
        ("limit", {"unlimited": True}, {"unlimited": True}),
        ("limit", "12", 12),
        ("number_set", [443, "80.5"], ["80.5", 443]),
        ("range", {"min": 1, "max": "2.5"}, {"min": 1, "max": "2.5"}),
        ("string", "eu", "eu"),
        ("config", {"deep": [{"big": 2**60}]}, {"deep": [{"big": str(2**60)}]}),
        (
            "metered",
            {"included": "10.5", "reset": "price_period", "overage": "allow"},
            {"included": "10.5", "reset": "price_period", "overage": "allow"},
        ),
    ],
)
def test_every_type_of_value_is_written_so_that_no_reader_rounds_it(
    type: str, form: Any, written: Any
) -> None:
    entry = granted(timeline((form, 1, None), type=type), 2, type)["rules"]
    assert (entry["type"], entry["value"]) == (type, written)
    assert json.loads(documents.body_of(entry)) == entry


def test_the_hash_is_of_the_canonical_json_of_the_content() -> None:
    content = documents.wanted(
        owner=OWNER, held=Holding({"rules": {"value": 5}}), before=None, at=day(1), grace=GRACE
    )
    assert content is not None
    canonical = (
        '{"blocks":[],"customer":"cus_01jd3vq6n0e6rt1c7h9a2b4c5d","delete_after":null,'
        '"entitlements":{"rules":{"value":5}},"state":"active",'
        '"subject":"sbj_01jd3vq6n0e6rt1c7h9a2b4c5e"}'
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    assert documents.hash_of(content) == f"sha256:{digest}"


def content(value: int) -> dict[str, Any]:
    made = documents.wanted(
        owner=OWNER, held=Holding({"rules": {"value": value}}), before=None, at=day(1), grace=GRACE
    )
    assert made is not None
    return dict(made)


def test_names_generations_and_targets_are_not_hashed() -> None:
    desired = Desired(3, content(5), documents.hash_of(content(5)))
    whole = documents.document(
        target_id=TARGET, service="edge", names=Names("ada", "shop", "zone"), desired=desired
    )
    assert whole == {
        "target": TARGET,
        "service": "edge",
        "customer": {"id": CUSTOMER, "key": "ada"},
        "subject": {"id": SUBJECT, "key": "shop", "kind": "zone"},
        "generation": 3,
        "state": "active",
        "delete_after": None,
        "entitlements": {"rules": {"value": 5}},
        "blocks": [],
        "hash": desired.hash,
    }


def test_a_document_of_a_customer_has_no_subject() -> None:
    made = documents.wanted(
        owner=Owner(CUSTOMER, None), held=Holding({"a": {}}), before=None, at=day(1), grace=GRACE
    )
    assert made is not None
    desired = Desired(1, made, documents.hash_of(made))
    whole = documents.document(target_id=TARGET, service="edge", names=Names(None), desired=desired)
    assert (whole["subject"], whole["customer"]) == (None, {"id": CUSTOMER, "key": None})


def test_from_a_to_b_and_back_to_a_is_two_generations() -> None:
    first = documents.following(None, content(5))
    assert first is not None
    assert first.generation == 1
    assert documents.following(first, content(5)) is None
    second = documents.following(first, content(20))
    assert second is not None
    third = documents.following(second, content(5))
    assert third is not None
    assert (second.generation, third.generation, third.hash) == (2, 3, first.hash)


def test_true_and_one_are_different_values() -> None:
    one = {**content(5), "entitlements": {"theme": {"value": {"on": 1}}}}
    true = {**content(5), "entitlements": {"theme": {"value": {"on": True}}}}
    first = documents.following(None, one)
    assert documents.following(first, true) is not None


def wanted(before: Any, entitlements: Any, *, gone: bool = False, at: int = 1) -> Any:
    return documents.wanted(
        owner=Owner(CUSTOMER, SUBJECT, gone=gone),
        held=entitlements if isinstance(entitlements, Holding) else Holding(entitlements),
        before=before,
        at=day(at),
        grace=GRACE,
    )


def test_the_states_of_a_document_over_an_owners_life() -> None:
    something = {"rules": {"value": 5}}
    assert wanted(None, {}) is None  # no target before the first entitlement
    assert wanted(None, something, gone=True) is None

    active = wanted(None, something)
    assert (active["state"], active["delete_after"]) == ("active", None)
    suspended = wanted(active, {}, at=1)
    assert (suspended["state"], suspended["delete_after"]) == ("suspended", "2026-01-31T00:00:00Z")
    assert suspended["entitlements"] == {}
    assert wanted(suspended, {}, at=20) == suspended  # looking again does not move the date
    assert wanted(suspended, something, at=20) == active
    deleted = wanted(suspended, something, gone=True)
    assert (deleted["state"], deleted["delete_after"], deleted["entitlements"]) == (
        "deleted",
        None,
        {},
    )
    assert wanted(deleted, {}, gone=True) == deleted
    assert wanted(deleted, {}, at=20) == deleted


def test_what_is_blocked_or_paused_is_suspended_and_keeps_what_was_agreed() -> None:
    something = {"rules": {"value": 5}}
    active = wanted(None, something)
    blocked = wanted(active, Holding(something, is_denied=True, blocks=("fraud", "overdue")))
    assert blocked == {
        **active,
        "state": "suspended",
        "blocks": ["fraud", "overdue"],
    }
    paused = wanted(blocked, Holding(something, is_denied=True))
    assert paused == {**active, "state": "suspended"}
    assert wanted(paused, something) == active

    ended = wanted(paused, {}, at=2)  # only with nothing left the time of grace begins
    assert (ended["state"], ended["delete_after"]) == ("suspended", "2026-02-01T00:00:00Z")
    assert (ended["entitlements"], ended["blocks"]) == ({}, [])
    assert wanted(ended, Holding(something, is_denied=True)) == paused


def segment(key: str, start: int, end: int | None, **withheld: Any) -> Segment:
    ends_at = None if end is None else day(end)
    value = values.parse("limit", 5)
    return Segment(key, day(start), ends_at, value, sources=(), window=None, **withheld)


BLOCKED = {"blocked_by": ("overdue",)}
PAUSED = {"paused": True}


@pytest.mark.parametrize(
    ("segments", "listed", "is_denied", "blocks"),
    [
        # blocked or paused as a whole: agreed values stay listed
        ([segment("rules", 1, None, **BLOCKED)], {"rules": None}, True, ("overdue",)),
        ([segment("rules", 1, None, **PAUSED)], {"rules": None}, True, ()),
        (
            [
                segment("hosts", 1, None, blocked_by=("b", "c"), paused=True),
                segment("rules", 1, None, blocked_by=("b", "a")),
            ],
            {"hosts": None, "rules": None},
            True,
            ("a", "b", "c"),
        ),
        # in part: what is withheld is absent, and nothing denies the rest
        (
            [segment("hosts", 1, None), segment("rules", 1, None, **BLOCKED)],
            {"hosts": None},
            False,
            (),
        ),
        # what another service carries out neither grants nor blocks anything here
        (
            [segment("other", 1, None), segment("rules", 1, None, **PAUSED)],
            {"rules": None},
            True,
            (),
        ),
        (
            [segment("other", 1, None, **BLOCKED), segment("rules", 1, None)],
            {"rules": None},
            False,
            (),
        ),
        # a block or pause to come ends access by itself; its end is told by the next document
        (
            [
                segment("rules", 1, 10),
                segment("rules", 10, 20, **BLOCKED),
                segment("rules", 20, 30),
            ],
            {"rules": "2026-01-10T00:00:00Z"},
            False,
            (),
        ),
        (
            [segment("rules", 1, 10, **PAUSED), segment("rules", 10, None)],
            {"rules": None},
            True,
            (),
        ),
        ([segment("rules", 1, 10, **PAUSED)], {"rules": "2026-01-10T00:00:00Z"}, True, ()),
    ],
)
def test_what_is_withheld_is_listed_only_where_nothing_is_granted(
    segments: list[Segment],
    listed: dict[str, str | None],
    is_denied: bool,
    blocks: tuple[str, ...],
) -> None:
    held = Timeline(SUBJECT, CUSTOMER, SUBJECT, 1, day(1), tuple(segments))
    features = {key: feature(key) for key in ("hosts", "rules")}
    found = documents.holding(held, features, day(2))
    assert {key: each["until"] for key, each in found.entitlements.items()} == listed
    assert (found.is_denied, found.blocks) == (is_denied, blocks)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
entitlements = st.dictionaries(st.text(min_size=1), json_values, max_size=4)


@given(entitlements)
def test_the_hash_does_not_depend_on_the_order_of_members(given_: dict[str, Any]) -> None:
    backwards = dict(reversed(given_.items()))
    assert documents.hash_of(wanted(None, {"x": 1, **given_})) == documents.hash_of(
        wanted(None, {**backwards, "x": 1} if "x" not in given_ else {"x": 1, **given_})
    )


@given(st.lists(entitlements, max_size=8))
def test_a_generation_is_given_exactly_when_the_content_changes(
    history: list[dict[str, Any]],
) -> None:
    current: Desired | None = None
    before: Any = None
    changes = 0
    for step in history:
        made = wanted(before, step)
        if made is None:
            continue
        following = documents.following(current, made)
        is_other = before is None or documents.body_of(made) != documents.body_of(before)
        assert (following is not None) == is_other
        changes += is_other
        current, before = following or current, made
    assert (current.generation if current else 0) == changes
