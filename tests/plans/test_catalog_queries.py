"""Reads of the catalog: what is sold to whom when, and how few queries that takes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.money import Money
from plans import cache, queries
from plans.change_rules import CancelPolicy, EndTiming, Settlement
from plans.errors import AddOnNotFound, PlanNotFound, PlanNotSold, ProductNotFound
from plans.models import Plan, PlanVersion
from plans.services import apply_catalog
from plans.terms import Effect, PauseMode, QuantityTerms
from plans.values import PerUnit
from tests.conftest import MachineTime
from tests.plans.catalogs import BASE, REMOVED, only, small

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unwired")]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def version(plan: str, number: int = 1) -> str:
    return PlanVersion.objects.get(plan__key=plan, number=number).id


def effective(plan: str, at: datetime) -> int:
    found = queries.effective_version(Plan.objects.get(key=plan).id, at=at, customer_id=None)
    return PlanVersion.objects.get(pk=found).number


def test_the_terms_of_a_version() -> None:
    apply_catalog(tree=small({"/plans/pro/billing_zone": "UTC"}))
    terms = queries.terms(version("pro"))
    assert (terms.version, terms.plan_key, terms.rank, terms.billing_zone) == (1, "pro", 1, "UTC")
    assert (terms.product.key, terms.product.exclusive) == ("site", True)
    free = Plan.objects.get(key="free").id
    assert (terms.product.default_plan_id, terms.product.fallback_plan_id) == (free, free)
    assert [price.key for price in terms.prices_of("month", "EUR")] == ["base", "hits"]
    assert terms.features["rules"].value == Decimal(20)
    assert terms.features["rules"].feature == queries.features()["rules"]


def test_what_it_sells_and_whether_it_is_free() -> None:
    year = {"EUR": {"base": {"model": "flat", "amount": "200.00"}, "once": {
        "model": "flat", "interval": "once", "amount": "9.00"}}}  # fmt: skip
    apply_catalog(tree=small({"/plans/pro/prices/year": year}))
    pro, free = queries.terms(version("pro")), queries.terms(version("free"))
    assert pro.intervals("EUR") == ("month", "year")
    assert pro.intervals("USD") == ()
    assert (pro.sells("year", "EUR"), pro.sells("week", "EUR"), pro.sells("year", "USD")) == (
        True,
        False,
        False,
    )
    assert pro.flat_amount("year", "EUR") == Money(20000, "EUR")
    assert not pro.is_free("month", "EUR")
    assert free.intervals("USD") == ("month",)
    assert free.is_free("month", "USD")
    assert free.flat_amount("month", "USD") == Money(0, "USD")


def test_a_contract_is_sold_in_every_currency_and_never_free() -> None:
    apply_catalog(tree=small({"/plans/pro/prices": {"month": "contract", "year": "contract"}}))
    terms = queries.terms(version("pro"))
    assert (terms.contract, terms.intervals("EUR")) == (True, ("month", "year"))
    assert not terms.is_free("month", "EUR")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, QuantityTerms(1, 1, 1)),
        ({f"{BASE}/model": "per_unit"}, QuantityTerms(1, None, 1)),
        ({"/plans/pro/features/rules": {"per_unit": 2}}, QuantityTerms(1, None, 1)),
        (
            {f"{BASE}/model": "per_unit", "/plans/pro/quantity": {"min": 3}},
            QuantityTerms(3, None, 3),
        ),
        (
            {f"{BASE}/model": "per_unit", "/plans/pro/quantity": {"max": 9, "default": 2}},
            QuantityTerms(1, 9, 2),
        ),
    ],
)
def test_how_many_units_may_be_had(changes: dict[str, Any], expected: QuantityTerms) -> None:
    apply_catalog(tree=small(changes))
    assert queries.terms(version("pro")).quantity == expected


def test_a_quantity_is_allowed_within_its_bounds() -> None:
    some, any_number = QuantityTerms(2, 4, 2), QuantityTerms()
    assert [some.allows(each) for each in (1, 2, 4, 5)] == [False, True, True, False]
    assert [any_number.allows(each) for each in (0, 1, 10**9)] == [False, True, True]


def test_pauses_and_cancellations_have_defaults_and_may_differ() -> None:
    apply_catalog(tree=small({"/plans/pro/pause": "extend"}))
    free, pro = queries.terms(version("free")), queries.terms(version("pro"))
    assert (free.pause, pro.pause) == (PauseMode.CREDIT, PauseMode.EXTEND)
    assert pro.product.cancel == CancelPolicy(
        EndTiming.PERIOD_END, EndTiming.PERIOD_END, Settlement.NONE
    )
    apply_catalog(tree=small({"/products/site/cancel": {"billing_end": "now"}}))
    assert queries.terms(version("pro")).product.cancel == CancelPolicy(
        EndTiming.PERIOD_END, EndTiming.NOW, Settlement.NONE
    )


def test_the_terms_of_add_ons() -> None:
    more = {
        "/add_ons/more/available_for": ["free"],
        "/add_ons/more/included_in": ["pro"],
        "/add_ons/more/prices/month/EUR/base/model": "per_unit",
        "/add_ons/more/features": {
            "rules": {"add": {"per_unit": 10}},
            "hits": {"replace": {"included": 7}},
        },
        "/add_ons/more/quantity": {"max": 5},
    }
    apply_catalog(tree=small(more))
    row = queries.find_add_on("more")
    assert queries.find_add_on(row.id) == row
    first = queries.effective_add_on_versions([row.id], at=NOON)[row.id]
    terms = queries.add_on_terms_of([first])[first]
    plans = {key: Plan.objects.get(key=key).id for key in ("free", "pro")}
    assert (terms.add_on_key, terms.version, terms.status) == ("more", 1, "published")
    assert (terms.available_for, terms.included_in) == ({plans["free"]}, {plans["pro"]})
    assert (terms.intervals("EUR"), terms.sells("month", "USD")) == (("month",), False)
    assert [price.amount for price in terms.prices_of("month", "EUR")] == [Decimal(3)]
    assert not terms.charges_nothing("month", "EUR")
    assert terms.quantity == QuantityTerms(1, 5, 1)
    said = {key: (each.effect, each.value) for key, each in terms.features.items()}
    assert said["rules"] == (Effect.ADD, PerUnit(Decimal(10)))
    assert said["hits"][0] == Effect.REPLACE

    apply_catalog(tree=small({**more, "/add_ons/more/prices/month/EUR/base/amount": "4.00"}))
    after, before = NOON + timedelta(days=36500), NOON - timedelta(days=36500)
    latest = queries.effective_add_on_versions([row.id], at=after)[row.id]
    assert queries.effective_add_on_versions([row.id], at=before) == {row.id: first}
    with CaptureQueriesContext(connection) as fresh:
        read = queries.add_on_terms_of([first, latest])
    assert [read[each].version for each in (first, latest)] == [1, 2]
    with CaptureQueriesContext(connection) as again:
        assert queries.add_on_terms_of([first, latest]) == read
    assert (len(fresh), len(again)) == (6, 1)
    assert queries.add_on_terms_of([]) == {}
    apply_catalog(tree=small({**more, "/add_ons/more/archived": True}))
    assert queries.effective_add_on_versions([row.id], at=after) == {}
    with pytest.raises(AddOnNotFound):
        queries.find_add_on("less")


def test_the_first_version_is_always_effective_and_later_ones_from_their_instant(
    machine_time: MachineTime,
) -> None:
    apply_catalog(tree=small())
    apply_catalog(tree=small({f"{BASE}/amount": "25.00"}))
    later = {f"{BASE}/amount": "30.00", "/plans/pro/effective_from": "2026-06-01T00:00:00Z"}
    apply_catalog(tree=small(later))
    june = datetime(2026, 6, 1, tzinfo=UTC)
    instants = [datetime(1990, 1, 1, tzinfo=UTC), NOON - timedelta(seconds=1), NOON]
    instants += [june - timedelta(seconds=1), june]
    assert [effective("pro", at) for at in instants] == [1, 1, 2, 2, 3]


def test_a_later_version_may_be_effective_in_the_past() -> None:
    apply_catalog(tree=small())
    past = {f"{BASE}/amount": "25.00", "/plans/pro/effective_from": "2020-01-01T00:00:00Z"}
    apply_catalog(tree=small(past))
    new_year = datetime(2020, 1, 1, tzinfo=UTC)
    assert [effective("pro", at) for at in (new_year - timedelta(seconds=1), new_year)] == [1, 2]


def test_a_plan_that_is_not_on_sale_says_so() -> None:
    apply_catalog(tree=small({"/plans/pro/publish": False}))
    with pytest.raises(PlanNotSold):
        effective("pro", NOON)


def test_default_plans_are_those_of_products_on_sale_in_a_scope() -> None:
    apply_catalog(tree=small({"/products/site/subject_kind": "site"}))
    [plan] = queries.default_plans("subject")
    assert (plan.key, plan.product.subject_kind) == ("free", "site")
    assert queries.default_plans("customer") == []
    apply_catalog(tree=small({"/products/site/archived": True}))
    assert queries.default_plans("subject") == []
    apply_catalog(tree=small({"/products/site/default_plan": REMOVED}))
    assert queries.default_plans("subject") == []


def test_things_are_found_by_identifier_or_key() -> None:
    apply_catalog(tree=small())
    plan = queries.find_plan("pro")
    assert queries.find_plan(plan.id) == plan
    assert queries.find_product(plan.product_id).key == "site"
    with pytest.raises(PlanNotFound):
        queries.find_plan(plan.product_id)
    with pytest.raises(ProductNotFound):
        queries.find_product("pro")


def test_known_terms_cost_one_query_however_many_there_are() -> None:
    apply_catalog(tree=small())
    wanted = [version("free"), version("pro")]
    with CaptureQueriesContext(
        connection,
    ) as first:
        read = queries.terms_of(wanted)
    assert len(first) == 5
    with CaptureQueriesContext(connection) as again:
        assert queries.terms_of(wanted) == read
        assert queries.features()["rules"].key == "rules"
    assert len(again) == 2
    assert queries.terms_of([]) == {}


def test_a_change_is_seen_at_once_and_one_that_is_rolled_back_never() -> None:
    apply_catalog(tree=small())
    pro = version("pro")
    assert queries.terms(pro).rank == 1
    try:
        with transaction.atomic():
            apply_catalog(tree=small({"/plans/pro/rank": 9, "/features/rules/name": "Gone"}))
            assert queries.terms(pro).rank == 9
            assert queries.features()["rules"].name == "Gone"
            raise LookupError
    except LookupError:
        pass
    assert queries.terms(pro).rank == 1
    assert queries.features()["rules"].name == "rules"
    apply_catalog(tree=small({"/plans/pro/rank": 3}))
    assert queries.terms(pro).rank == 3


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_TERMS", 1)
    apply_catalog(tree=small())
    apply_catalog(tree=only(gold={**small()["plans"]["pro"], "rank": 2}))
    wanted = [version("free"), version("pro"), version("gold")]
    assert queries.terms_of(wanted).keys() == set(wanted)
    assert len(cache.current().plans.known(wanted)) == 1
    assert queries.terms_of(wanted).keys() == set(wanted)


def test_what_is_sold_is_read_once_until_the_catalog_changes(machine_time: MachineTime) -> None:
    apply_catalog(tree=small())
    plan = queries.find_plan("pro").id

    def reads(at: datetime) -> int:
        with CaptureQueriesContext(connection) as made:
            assert queries.find_plan("pro").id == plan
            assert queries.effective_version(plan, at=at, customer_id=None) == version("pro")
        return len(made) - 1  # of them the test's own

    assert reads(NOON) == 3  # the revision twice, and the versions of the plan
    assert reads(NOON + timedelta(days=1)) == 2
    apply_catalog(tree=small({"/plans/pro/name": "Professional"}))
    assert queries.find_plan("pro").name == "Professional"
    assert reads(NOON) == 3


def test_what_is_not_there_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_READS", 2)
    apply_catalog(tree=small())
    for name in ("one", "two", "three"):
        with pytest.raises(PlanNotFound):
            queries.find_plan(name)
    assert len(cache.current().reads) == 0
    for name in ("free", "pro", "site"):
        (queries.find_product if name == "site" else queries.find_plan)(name)
    assert [key for _, key in cache.current().reads] == ["pro", "site"]


def test_an_unknown_version_is_a_defect() -> None:
    apply_catalog(tree=small())
    with pytest.raises(KeyError):
        queries.terms("plv_01jd0000000000000000000000")
