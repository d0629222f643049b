"""The example catalogs: they apply, side by side and twice, and charge what they should."""

from decimal import Decimal
from pathlib import Path

import pytest

from core.money import Money
from plans import invariants, pricing, queries
from plans.change_rules import CancelPolicy, EndTiming, Settlement
from plans.document import text
from plans.models import Plan
from plans.services import apply_catalog, export_catalog
from plans.terms import ONE_ONLY, PriceModel, PriceTerms, QuantityTerms, Terms
from plans.values import FeatureType

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unwired")]

EXAMPLES = Path(__file__).parents[2] / "examples"
REAL, INVENTED = (
    text.load((EXAMPLES / name).read_bytes()) for name in ("catalog.yaml", "catalog-invented.yaml")
)


def terms(plan: str) -> Terms:
    return queries.terms(Plan.objects.get(key=plan).versions.get(private_key="").id)


def price(plan: str, key: str) -> PriceTerms:
    [found] = [each for each in terms(plan).prices_of("month", "USD") if each.key == key]
    return found


def line(plan: str, key: str, quantity: int) -> int:
    return pricing.line(price(plan, key), Decimal(quantity)).amount


def test_both_apply_in_any_order_and_a_second_time_change_nothing() -> None:
    for tree in (INVENTED, REAL):
        assert not apply_catalog(tree=tree).changes_nothing
    exported = export_catalog()
    for tree in (REAL, INVENTED, exported):
        assert apply_catalog(tree=tree).changes_nothing
    assert [each.name for each in invariants.INVARIANTS if list(each.find())] == []


def test_the_zone_plans_are_the_published_ones() -> None:
    apply_catalog(tree=REAL)
    ladder = [terms(plan) for plan in ("free", "pro", "business", "enterprise")]
    assert [each.rank for each in ladder] == [0, 1, 2, 3]
    limits = [
        [each.features[key].value for each in ladder]
        for key in ("waf_custom_rules", "waf_regex", "waf_log_action", "max_upload_size_mb")
    ]
    assert limits == [
        [5, 20, 100, 1000],
        [False, False, True, True],
        [False, False, False, True],
        [100, 100, 200, 500],
    ]
    monthly = [each.flat_amount("month", "USD") for each in ladder[:3]]
    assert monthly == [Money(0, "USD"), Money(2500, "USD"), Money(25000, "USD")]
    yearly = [each.flat_amount("year", "USD") for each in ladder[1:3]]
    assert yearly == [Money(24000, "USD"), Money(240000, "USD")]
    assert not ladder[0].sells("year", "USD")
    assert (ladder[3].contract, ladder[3].externally_managed) == (True, True)
    assert {each.billing_zone for each in ladder} == {"UTC"}
    product = ladder[0].product
    assert (product.scope, product.subject_kind, product.exclusive) == ("subject", "zone", True)
    assert product.co_terms
    assert product.default_plan_id == product.fallback_plan_id == ladder[0].plan_id


def test_the_developer_platform_charges_the_published_prices() -> None:
    apply_catalog(tree=REAL)
    assert line("workers_paid", "requests", 12_345_678) == 70
    assert line("workers_paid", "requests", 10_000_000) == 0
    assert line("workers_paid", "cpu_ms", 80_000_000) == 100
    assert line("r2_standard", "class_a", 1_000_001) == 450
    assert line("r2_standard", "class_b", 10_000_001) == 36
    assert line("r2_standard", "storage", 10) == 0
    assert line("r2_standard", "storage", 110) == 150
    platform = [
        line("workers_for_platforms", "base", 1),
        line("workers_for_platforms", "requests", 100_000_000),
        line("workers_for_platforms", "cpu_ms", 1_000_000_000),
        line("workers_for_platforms", "scripts", 1200),
    ]
    assert platform == [2500, 2400, 1880, 400]
    assert sum(platform) == 7180


def test_where_subscriptions_begin_and_end() -> None:
    apply_catalog(tree=REAL)
    assert [plan.key for plan in queries.default_plans("customer")] == ["workers_free"]
    assert [plan.key for plan in queries.default_plans("subject")] == ["free"]
    for plan in ("r2_standard", "workers_for_platforms"):
        assert terms(plan).product.default_plan_id is None
        assert terms(plan).product.fallback_plan_id is None


def test_the_invented_catalog_has_everything_that_the_real_one_lacks() -> None:
    apply_catalog(tree=INVENTED)
    known = queries.features().values()
    assert {each.type for each in known} == set(FeatureType)
    assert terms("team_hobby").quantity == ONE_ONLY
    assert terms("team_studio").quantity == QuantityTerms(2, 200, 3)
    assert (terms("team_studio").pause, terms("team_agency").pause) == ("extend", "credit")
    assert terms("team_studio").product.cancel == CancelPolicy(
        EndTiming.PERIOD_END, EndTiming.NOW, Settlement.CREDIT
    )
    models = {each.model for plan in ("team_studio", "team_agency") for each in terms(plan).prices}
    assert models == set(PriceModel)


def test_the_two_product_services_share_no_feature() -> None:
    apply_catalog(tree=REAL)
    services = {each.product_service for each in queries.features().values()}
    assert services == {"edge", "developer"}
