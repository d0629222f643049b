"""Applying documents: whole or not at all, twice is once, changed terms are another version."""

from datetime import UTC, datetime
from typing import Any

import pytest

from core.models import AuditEntry, Event
from plans import queries
from plans.models import Feature, Meter, Plan, PlanVersion, Price, Product
from plans.services import CatalogInvalid, apply_catalog, export_catalog, plan_catalog
from tests.conftest import MachineTime
from tests.plans.catalogs import BASE, HITS, REMOVED, Tree, only, small

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unwired")]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACME = "cus_01jd0000000000000000000001"
ALMA = "cus_01jd0000000000000000000002"


def versions(plan: str) -> list[tuple[int, str]]:
    rows = PlanVersion.objects.filter(plan__key=plan).order_by("number")
    return list(rows.values_list("number", "status"))


def happened() -> list[str]:
    return list(Event.objects.order_by("ordinal").values_list("type", flat=True))


def codes(tree: Tree) -> list[tuple[str, str]]:
    """Return what is wrong with a document, having made sure that it changes nothing."""
    before = export_catalog()
    with pytest.raises(CatalogInvalid) as refused:
        apply_catalog(tree=tree)
    assert export_catalog() == before
    assert plan_catalog(tree=tree).errors == refused.value.errors
    return sorted({(each.pointer, each.code) for each in refused.value.errors})


def test_the_first_application_creates_everything(machine_time: MachineTime) -> None:
    done = apply_catalog(tree=small())
    assert [each.pointer for each in done.create] == [
        "/currencies/EUR",
        "/product_services/edge",
        "/meters/hits",
        "/features/rules",
        "/features/hits",
        "/products/site",
        "/plans/free",
        "/plans/pro",
        "/add_ons/more",
        "/coupons/ten",
    ]
    assert (done.update, done.unchanged, done.unmanaged, done.errors) == ((), (), (), ())
    assert versions("free") == versions("pro") == [(1, "published")]
    site = Product.objects.get(key="site")
    assert site.default_plan == site.fallback_plan == Plan.objects.get(key="free")
    assert set(Feature.objects.values_list("published_at", flat=True)) == {NOON}
    assert set(Meter.objects.values_list("published_at", flat=True)) == {NOON}
    assert happened() == [
        "plan_version.published",
        "plan_version.published",
        "add_on_version.published",
        "catalog.applied",
    ]


def test_applying_again_changes_and_publishes_nothing() -> None:
    apply_catalog(tree=small())
    before = happened(), AuditEntry.objects.count()
    again = apply_catalog(tree=small())
    assert again.changes_nothing
    assert len(again.unchanged) == 10
    assert (happened(), AuditEntry.objects.count()) == before


def test_planning_changes_nothing_and_says_what_applying_does() -> None:
    planned = plan_catalog(tree=small())
    assert not Plan.objects.exists()
    assert apply_catalog(tree=small()) == planned


def test_a_quantity_of_one_or_more_is_what_seats_have_without_a_word() -> None:
    seats = {f"{BASE}/model": "per_unit"}
    apply_catalog(tree=small(seats))
    assert apply_catalog(tree=small({**seats, "/plans/pro/quantity": {"min": 1}})).changes_nothing
    done = apply_catalog(tree=small({**seats, "/plans/pro/quantity": {"min": 5}}))
    assert [each.key for each in done.new_versions] == ["pro"]


def test_a_stored_trial_needs_its_fallback() -> None:
    apply_catalog(tree=small({"/plans/pro/trial": {"days": 14, "ends": "free"}}))
    alone = only("products")
    alone["products"]["site"]["fallback_plan"] = "none"
    assert codes(alone) == [("/products/site/fallback_plan", "no_fallback")]
    alone["products"]["site"]["fallback_plan"] = "pro"
    assert codes(alone) == [("/products/site/fallback_plan", "falls_back_to_itself")]


def test_of_very_many_errors_the_first_thousand_are_told() -> None:
    broken = {f"c{place}": 0 for place in range(1200)}
    with pytest.raises(CatalogInvalid, match="1000 errors or more") as refused:
        apply_catalog(tree={"coupons": broken})
    assert [each.pointer for each in refused.value.errors] == [
        f"/coupons/c{place}" for place in range(1000)
    ]


def test_what_was_exported_applies_without_a_change() -> None:
    tree = small(
        {
            "/plans/pro/trial": {"days": 14},
            "/plans/pro/pause": "extend",
            "/plans/pro/features/rules": {"per_unit": 4},
            "/plans/pro/quantity": {"min": 2, "max": 9, "default": 3},
            "/plans/pro/billing_zone": "Europe/Berlin",
            "/products/site/cancel": {"access_end": "now", "settlement": "refund"},
            "/add_ons/more/features/rules": {"add": {"per_unit": 10}},
            "/add_ons/more/quantity": {"max": 5},
            "/plans/pro/private_versions": {
                "acme": {**small()["plans"]["pro"], "customers": [ACME]}
            },
            "/products/site/change_rules": [{"name": "never", "timing": "period_end"}],
            "/products/site/fallback_plan": "none",
            "/features/rules/downgrade": {"keep_until_days": 30},
            f"{HITS}": {
                "model": "graduated",
                "meter": "hits",
                "tiers": [{"up_to": "20.5", "amount": "0.0125"}, {"amount": 0}],
            },
        }
    )
    for name in ("product", "rank"):
        del tree["plans"]["pro"]["private_versions"]["acme"][name]
    apply_catalog(tree=tree)
    exported = export_catalog()
    assert apply_catalog(tree=exported).changes_nothing
    assert export_catalog() == exported
    assert exported["products"]["site"]["fallback_plan"] == "none"
    assert exported["products"]["site"]["cancel"] == {"access_end": "now", "settlement": "refund"}
    assert exported["plans"]["pro"]["quantity"] == {"min": 2, "max": 9, "default": 3}
    assert exported["plans"]["pro"]["pause"] == "extend"
    assert "pause" not in exported["plans"]["free"]
    assert exported["add_ons"]["more"]["quantity"] == {"min": 1, "max": 5, "default": 1}


def test_absent_objects_stay_and_are_listed() -> None:
    apply_catalog(tree=small())
    done = apply_catalog(tree=only("currencies", "coupons"))
    assert done.unchanged == ("/currencies/EUR", "/coupons/ten")
    assert done.unmanaged == (
        "/product_services/edge",
        "/meters/hits",
        "/features/hits",
        "/features/rules",
        "/products/site",
        "/plans/free",
        "/plans/pro",
        "/add_ons/more",
    )
    assert Plan.objects.count() == 2


def test_other_terms_are_a_new_version_and_subscribers_keep_theirs() -> None:
    apply_catalog(tree=small())
    first = PlanVersion.objects.get(plan__key="pro")
    done = apply_catalog(tree=small({f"{BASE}/amount": "25.00"}))
    assert [(each.key, each.publish) for each in done.new_versions] == [("pro", True)]
    assert (done.create, done.update) == ((), ())
    assert versions("pro") == [(1, "published"), (2, "published")]
    assert versions("free") == [(1, "published")]
    assert queries.terms(first.id).flat_amount("month", "EUR").amount == 2000


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        (f"{BASE}/amount", "20"),
        (f"{BASE}/interval", "1 month"),
        (f"{BASE}/multiplier", "1.0"),
        (f"{HITS}/due", "arrears"),
        (f"{HITS}/included", 0),
        ("/plans/pro/features/rules", "20"),
        ("/plans/pro/features/hits/included", "1000"),
        ("/plans/pro/features/hits/reset", "price_period"),
        ("/plans/pro/billing_zone", "customer"),
        ("/plans/pro/pause", "credit"),
        ("/products/site/cancel", {"access_end": "period_end", "settlement": "none"}),
        ("/plans/pro/effective_from", "2020-01-01T00:00:00+01:00"),
    ],
)  # fmt: skip
def test_the_same_terms_in_other_words_are_no_new_version(pointer: str, value: Any) -> None:
    apply_catalog(tree=small())
    assert apply_catalog(tree=small({pointer: value})).changes_nothing


def test_a_version_is_a_draft_until_the_document_publishes_it() -> None:
    apply_catalog(tree=small())
    draft = {f"{BASE}/amount": "25.00", "/plans/pro/publish": False}
    apply_catalog(tree=small(draft))
    assert versions("pro") == [(1, "published"), (2, "draft")]

    rewritten = small({**draft, f"{BASE}/amount": "26.00"})
    done = apply_catalog(tree=rewritten)
    assert [pointer for pointer, _ in done.updates] == ["/plans/pro"]
    assert versions("pro") == [(1, "published"), (2, "draft")]
    assert Price.objects.get(plan_version__number=2, key="base").terms == {"amount": "26.00"}
    assert apply_catalog(tree=rewritten).changes_nothing

    done = apply_catalog(tree=small({f"{BASE}/amount": "26.00"}))
    assert [(each.field, each.after) for _, each in done.updates] == [("status", "published")]
    assert versions("pro") == [(1, "published"), (2, "published")]


def test_going_back_to_what_is_published_leaves_the_draft_alone() -> None:
    apply_catalog(tree=small())
    apply_catalog(tree=small({f"{BASE}/amount": "25.00", "/plans/pro/publish": False}))
    assert apply_catalog(tree=small()).changes_nothing
    assert versions("pro") == [(1, "published"), (2, "draft")]


def test_a_draft_may_be_incomplete_but_not_published_so() -> None:
    apply_catalog(tree=small())
    half = {"/plans/pro/features/rules": REMOVED, "/plans/pro/publish": False}
    apply_catalog(tree=small(half))
    assert codes(small({**half, "/plans/pro/publish": True})) == [
        ("/plans/pro/features", "value_missing")
    ]


def test_later_versions_are_effective_from_their_instant(machine_time: MachineTime) -> None:
    apply_catalog(tree=small())
    apply_catalog(tree=small({f"{BASE}/amount": "25.00"}))
    future = {f"{BASE}/amount": "30.00", "/plans/pro/effective_from": "2027-01-01T01:00:00+01:00"}
    apply_catalog(tree=small(future))
    rows = PlanVersion.objects.filter(plan__key="pro").order_by("number")
    assert list(rows.values_list("effective_from", flat=True)) == [
        None,
        NOON,
        datetime(2027, 1, 1, tzinfo=UTC),
    ]
    assert apply_catalog(tree=small(future)).changes_nothing


def test_definitions_change_in_place_and_say_how() -> None:
    apply_catalog(tree=small())
    done = apply_catalog(
        tree=small(
            {
                "/plans/pro/rank": 3,
                "/features/rules/name": "Custom rules",
                "/features/rules/downgrade": {"keep_until_days": 30},
                "/products/site/co_terms": True,
                "/coupons/ten/priority": 5,
                "/meters/hits/group_by": ["host"],
                "/add_ons/more/available_for": ["pro"],
            }
        )
    )
    assert [(pointer, each.field, each.before, each.after) for pointer, each in done.updates] == [
        ("/meters/hits", "group_by", [], ["host"]),
        ("/features/rules", "name", "rules", "Custom rules"),
        ("/features/rules", "downgrade", "trim", {"keep_until_days": 30}),
        ("/products/site", "co_terms", False, True),
        ("/plans/pro", "rank", 1, 3),
        ("/add_ons/more", "available_for", ["free", "pro"], ["pro"]),
        ("/coupons/ten", "priority", 100, 5),
    ]
    assert versions("pro") == [(1, "published")]
    assert queries.features()["rules"].downgrade.days == 30


def test_archiving_is_explicit_and_can_be_taken_back(machine_time: MachineTime) -> None:
    apply_catalog(tree=small())
    apply_catalog(tree=small({"/plans/pro/archived": True}))
    pro = Plan.objects.get(key="pro")
    assert pro.archived_at == NOON
    assert queries.effective_versions([pro.id], at=NOON, customer_id=None) == {}
    machine_time.passes(days=1)
    apply_catalog(tree=small({"/plans/pro/archived": True, "/plans/pro/rank": 4}))
    assert Plan.objects.get(key="pro").archived_at == NOON
    apply_catalog(tree=small())
    assert Plan.objects.get(key="pro").archived_at is None


IMMUTABLE: list[tuple[dict[str, Any], str]] = [
    ({"/features/rules/unit": "item"}, "/features/rules/unit"),
    ({"/features/rules/combine": "sum"}, "/features/rules/combine"),
    ({"/features/hits/fed_by": "consume"}, "/features/hits/fed_by"),
    ({"/meters/hits/value_property": "bytes"}, "/meters/hits/value_property"),
    ({"/coupons/ten/percent_off": 11}, "/coupons/ten/percent_off"),
    ({"/coupons/ten/duration": "forever"}, "/coupons/ten/duration"),
]


@pytest.mark.parametrize(("changes", "pointer"), IMMUTABLE)
def test_what_others_rely_on_never_changes(changes: dict[str, Any], pointer: str) -> None:
    apply_catalog(tree=small())
    assert codes(small(changes)) == [(pointer, "immutable")]


def test_an_unpublished_feature_may_still_change() -> None:
    drafts = {"/plans/free/publish": False, "/plans/pro/publish": False}
    drafts |= {"/products/site/default_plan": REMOVED, "/add_ons/more/publish": False}
    apply_catalog(tree=small(drafts))
    apply_catalog(tree=small({**drafts, "/features/rules/unit": "item"}))
    assert Feature.objects.get(key="rules").unit == "item"


def test_a_product_gains_a_feature_when_all_its_plans_have_a_value() -> None:
    apply_catalog(tree=small())
    more = {
        "/features/tls": {"product_service": "edge", "type": "boolean", "scope": "subject"},
        "/products/site/features": ["rules", "hits", "tls"],
    }
    assert codes(small(more)) == [
        ("/plans/free/features", "value_missing"),
        ("/plans/pro/features", "value_missing"),
    ]
    only_the_product = small(more)
    del only_the_product["plans"]
    assert codes(only_the_product) == [("/products/site/features", "value_missing")]
    apply_catalog(
        tree=small({**more, "/plans/free/features/tls": False, "/plans/pro/features/tls": True})
    )
    assert versions("free") == versions("pro") == [(1, "published"), (2, "published")]


def test_a_document_may_lean_on_what_is_stored() -> None:
    apply_catalog(tree=small())
    gold = {**small()["plans"]["pro"], "rank": 2}
    apply_catalog(tree=only(gold=gold))
    assert versions("gold") == [(1, "published")]
    assert codes(only(tin={**gold, "product": "shop"})) == [
        ("/plans/tin/product", "unknown_product")
    ]
    assert codes(only(free={**small()["plans"]["free"], "archived": True})) == [
        ("/products/site/default_plan", "plan_archived"),
        ("/products/site/fallback_plan", "plan_archived"),
    ]


def test_private_versions_have_their_own_line_and_their_customers_may_change() -> None:
    own = {**small()["plans"]["pro"], "customers": [ACME]}
    del own["product"], own["rank"]
    tree = small({"/plans/pro/private_versions": {"acme": own}})
    apply_catalog(tree=tree)
    assert versions("pro") == [(1, "published"), (2, "published")]
    pro = Plan.objects.get(key="pro").id
    mine = queries.effective_version(pro, at=NOON, customer_id=ACME)
    assert PlanVersion.objects.get(pk=mine).private_key == "acme"
    assert queries.effective_version(pro, at=NOON, customer_id=ALMA) != mine

    tree["plans"]["pro"]["private_versions"]["acme"]["customers"] = [ALMA]
    done = apply_catalog(tree=tree)
    assert [(each.field, each.after) for _, each in done.updates] == [
        ("private_versions/acme/customers", [ALMA])
    ]
    assert queries.effective_version(pro, at=NOON, customer_id=ALMA) == mine
    assert queries.effective_version(pro, at=NOON, customer_id=ACME) != mine
    assert versions("pro") == [(1, "published"), (2, "published")]


def test_the_writer_and_the_reason_are_kept_for_every_row() -> None:
    from core.acting import acting_as

    with acting_as("staff:7", reason="autumn prices"):
        apply_catalog(tree=small())
    kept = set(AuditEntry.objects.values_list("actor", "reason", "customer_id"))
    assert kept == {("staff:7", "autumn prices", None)}
    tables = set(AuditEntry.objects.values_list("table_name", flat=True))
    assert {"plans_plan", "plans_planversion", "plans_price", "plans_featurevalue"} <= tables


def test_a_list_price_may_change_at_any_time_and_is_exported() -> None:
    apply_catalog(tree=small())
    tree = small()
    tree["features"]["rules"]["list_prices"] = {"EUR": "0.50"}
    [change] = apply_catalog(tree=tree).update
    assert [(each.field, each.before, each.after) for each in change.changes] == [
        ("list_prices", {}, {"EUR": "0.5"})
    ]
    assert export_catalog()["features"]["rules"]["list_prices"] == {"EUR": "0.5"}
    assert not plan_catalog(tree=tree).update
    apply_catalog(tree=small())
    assert "list_prices" not in export_catalog()["features"]["rules"]
