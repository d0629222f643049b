"""Published versions: what the database refuses, how drafts are published and versions archived."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.models import Event
from core.transactions import unit_of_work
from plans.errors import PlanVersionNotFound, VersionInUse, VersionNotDraft, VersionNotPublished
from plans.models import (
    AddOn,
    AddOnVersion,
    Coupon,
    Feature,
    FeatureValue,
    Meter,
    Plan,
    PlanVersion,
    PlanVersionCustomer,
    Price,
    Product,
)
from plans.services import (
    CatalogInvalid,
    VersionNotPublishable,
    apply_catalog,
    archive_version,
    publish_version,
)
from plans.services.writing import catalog_turn
from tests.plans.catalogs import BASE, REMOVED, only, small
from tests.racing import PATIENCE_SECONDS, Gate, start, wait_until_blocked

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unwired")]
DRAFT = {f"{BASE}/amount": "25.00", "/plans/pro/publish": False}


def refused(model: Any, **changes: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        unit_of_work(lambda: model.objects.update(**changes))


def pro(number: int = 1) -> PlanVersion:
    return PlanVersion.objects.get(plan__key="pro", number=number)


def test_the_database_keeps_published_versions_and_their_parts_as_they_are() -> None:
    apply_catalog(tree=small())
    refused(PlanVersion, billing_zone="UTC")
    refused(PlanVersion, status="draft", published_at=None)
    refused(AddOnVersion, sold={})
    refused(Price, terms={"amount": "1.00"})
    refused(FeatureValue, value=1)
    for model in (Price, FeatureValue, AddOnVersion):
        with pytest.raises(IntegrityError), transaction.atomic():
            unit_of_work(model.objects.all().delete)
    with pytest.raises(IntegrityError), transaction.atomic():
        unit_of_work(
            lambda: FeatureValue.objects.create(
                plan_version=pro(), feature=Feature.objects.first(), effect="set", value=1
            )
        )


def test_parts_cannot_be_moved_into_or_out_of_a_published_version() -> None:
    apply_catalog(tree=small())
    apply_catalog(tree=small(DRAFT))
    assert pro(2).status == "draft"
    with pytest.raises(IntegrityError), transaction.atomic():
        unit_of_work(
            lambda: Price.objects.filter(plan_version=pro(2), key="base").update(
                plan_version=pro(1), key="moved"
            )
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        unit_of_work(
            lambda: Price.objects.filter(plan_version=pro(1), key="base").update(
                plan_version=pro(2), key="moved"
            )
        )


def test_a_draft_and_its_parts_may_change_and_go() -> None:
    apply_catalog(tree=small())
    apply_catalog(tree=small(DRAFT))
    unit_of_work(lambda: PlanVersion.objects.filter(pk=pro(2).id).update(billing_zone="UTC"))
    unit_of_work(lambda: pro(2).delete())
    assert PlanVersion.objects.filter(plan__key="pro").count() == 1


@pytest.mark.parametrize(
    "said",
    [
        {"quantity_min": 1},
        {"quantity_max": 5},
        {"quantity_min": 0, "quantity_default": 1},
        {"quantity_min": 3, "quantity_default": 2},
        {"quantity_min": 1, "quantity_default": 3, "quantity_max": 2},
    ],
)
def test_the_database_keeps_quantities_whole_and_in_order(said: dict[str, int]) -> None:
    apply_catalog(tree=small())
    more = "/add_ons/more"
    drafts = {f"{more}/prices/month/EUR/base/amount": "4.00", f"{more}/publish": False}
    apply_catalog(tree=small({**DRAFT, **drafts}))
    for model in (PlanVersion, AddOnVersion):
        with pytest.raises(IntegrityError), transaction.atomic():
            unit_of_work(lambda model=model: model.objects.filter(status="draft").update(**said))


def test_the_database_keeps_meanings_that_others_rely_on() -> None:
    apply_catalog(tree=small())
    refused(Feature, unit="item")
    refused(Feature, published_at=None)
    refused(Meter, event_type="miss")
    refused(Product, exclusive=False, default_plan=None, fallback_plan=None)
    refused(Coupon, percent_off=11)
    unit_of_work(lambda: Feature.objects.update(name="Another name"))
    unit_of_work(lambda: Plan.objects.update(rank=7))


def test_nobody_writes_the_catalog_anonymously() -> None:
    apply_catalog(tree=small())
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('billing.actor', '', true)")
    with pytest.raises(IntegrityError), transaction.atomic():
        Plan.objects.update(rank=7)


def test_publishing_a_draft_puts_it_on_sale_once() -> None:
    apply_catalog(tree=small())
    apply_catalog(tree=small(DRAFT))
    Event.objects.all().delete()
    row = publish_version(version_id=pro(2).id)
    assert (row.status, row.published_at) == ("published", row.effective_from)
    [event] = Event.objects.all()
    assert (event.type, event.customer_id) == ("plan_version.published", None)
    assert event.data == {
        "plan": "pro",
        "version": row.id,
        "number": 2,
        "effective_from": event.data["effective_from"],
        "private": False,
    }
    with pytest.raises(VersionNotDraft):
        publish_version(version_id=row.id)


def test_a_draft_that_does_not_fit_the_catalog_any_more_is_not_published() -> None:
    apply_catalog(tree=small())
    apply_catalog(tree=small({**DRAFT, "/plans/pro/features/rules": REMOVED}))
    with pytest.raises(VersionNotPublishable) as refusal:
        publish_version(version_id=pro(2).id)
    assert [(each.pointer, each.code) for each in refusal.value.errors] == [
        ("/features", "value_missing")
    ]
    assert pro(2).status == "draft"


def test_archiving_takes_a_version_off_sale() -> None:
    apply_catalog(tree=small())
    apply_catalog(tree=small({f"{BASE}/amount": "25.00"}))
    assert archive_version(version_id=pro(2).id).status == "archived"
    assert Event.objects.order_by("ordinal").last().type == "plan_version.archived"
    for again in (pro(2), pro(2)):
        with pytest.raises(VersionNotPublished):
            archive_version(version_id=again.id)
    refused(PlanVersion, status="published", archived_at=None)
    # the same terms are a version of their own again
    apply_catalog(tree=small({f"{BASE}/amount": "25.00"}))
    assert pro(3).status == "published"


def test_a_draft_cannot_be_archived() -> None:
    apply_catalog(tree=small())
    apply_catalog(tree=small(DRAFT))
    with pytest.raises(VersionNotPublished):
        archive_version(version_id=pro(2).id)


def test_the_plan_that_subscriptions_land_on_stays_on_sale() -> None:
    apply_catalog(tree=small())
    free = PlanVersion.objects.get(plan__key="free")
    with pytest.raises(VersionInUse):
        archive_version(version_id=free.id)
    apply_catalog(tree=small({"/plans/free/features/rules": 6}))
    with pytest.raises(VersionInUse):  # the second version cannot be had before today
        archive_version(version_id=free.id)
    apply_catalog(tree=only(free={**small()["plans"]["free"], "features": {}, "publish": False}))
    apply_catalog(
        tree=small({"/products/site/default_plan": REMOVED, "/plans/free/features/rules": 6})
    )
    assert archive_version(version_id=free.id).status == "archived"
    with pytest.raises(CatalogInvalid) as refusal:
        apply_catalog(tree=small({"/plans/free/features/rules": 6}))
    assert {each.code for each in refusal.value.errors} == {"plan_not_always_sold"}


def test_an_unknown_version_is_neither_published_nor_archived() -> None:
    for service in (publish_version, archive_version):
        with pytest.raises(PlanVersionNotFound):
            service(version_id="plv_01jd0000000000000000000000")


def test_add_ons_have_drafts_and_versions_too() -> None:
    apply_catalog(tree=small())

    def more(amount: str, **fields: Any) -> None:
        apply_catalog(
            tree=small(
                {
                    "/add_ons/more/prices/month/EUR/base/amount": amount,
                    **{f"/add_ons/more/{name}": value for name, value in fields.items()},
                }
            )
        )

    def states() -> list[tuple[int, str, str]]:
        rows = AddOnVersion.objects.order_by("number")
        return [(row.number, row.status, row.prices.get().terms["amount"]) for row in rows]

    more("4.00", publish=False)
    assert states() == [(1, "published", "3.00"), (2, "draft", "4.00")]
    more("5.00", publish=False)
    assert states() == [(1, "published", "3.00"), (2, "draft", "5.00")]
    more("5.00", archived=True)
    assert states() == [(1, "published", "3.00"), (2, "published", "5.00")]
    assert AddOn.objects.get().archived_at is not None
    assert list(AddOnVersion.objects.filter(effective_from=None).values_list("number")) == [(1,)]


def test_customers_of_a_private_version_may_be_added_after_it_is_published() -> None:
    own = {**small()["plans"]["pro"], "customers": ["cus_01jd0000000000000000000001"]}
    del own["product"], own["rank"]
    apply_catalog(tree=small({"/plans/pro/private_versions": {"acme": own}}))
    private = PlanVersion.objects.get(private_key="acme")
    unit_of_work(
        lambda: PlanVersionCustomer.objects.create(
            version=private, customer_id="cus_01jd0000000000000000000002"
        )
    )
    assert private.customers.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_documents_are_applied_one_after_the_other() -> None:
    apply_catalog(tree=small())
    gold = {**small()["plans"]["pro"], "rank": 2}
    gate = Gate()

    def hold() -> None:
        with catalog_turn():
            gate.pass_through()

    first = start(lambda: unit_of_work(hold))
    gate.wait_until_reached()
    second = start(lambda: apply_catalog(tree=only(gold=gold)))
    wait_until_blocked()
    assert not second.done()
    gate.open()
    first.result(PATIENCE_SECONDS)
    assert [each.pointer for each in second.result(PATIENCE_SECONDS).create] == ["/plans/gold"]
