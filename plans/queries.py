"""Reads of the catalog. Everything is kept in the process until the catalog changes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from django.db.models import F, Model, QuerySet

from core import ids
from core.errors import NotFound
from plans import cache
from plans.errors import (
    AddOnNotFound,
    AddOnNotSold,
    FeatureNotFound,
    PlanNotFound,
    PlanNotSold,
    PlanVersionNotFound,
    ProductNotFound,
)
from plans.models import (
    AddOn,
    AddOnVersion,
    Plan,
    PlanVersion,
    PlanVersionCustomer,
    Product,
)
from plans.terms import AddOnTerms, FeatureTerms, Terms

M = TypeVar("M", bound=Model)


def terms(version_id: str) -> Terms:
    """Return what a plan version promises.

    :raises KeyError: if there is no such version
    """
    return terms_of([version_id])[version_id]


def terms_of(version_ids: Iterable[str]) -> dict[str, Terms]:
    """Return what plan versions promise. One small query when they are known to the process."""
    wanted = set(version_ids)
    return cache.current().plans.of(wanted) if wanted else {}


def add_on_terms_of(version_ids: Iterable[str]) -> dict[str, AddOnTerms]:
    """Return what add-on versions promise. One small query when they are known to the process."""
    wanted = set(version_ids)
    return cache.current().add_ons.of(wanted) if wanted else {}


def features() -> Mapping[str, FeatureTerms]:
    """Return all features by key."""
    return cache.current().features


def effective_version(plan_id: str, *, at: datetime, customer_id: str | None) -> str:
    """Return the version of a plan that a customer is sold at an instant of the customer's time.

    A version for this customer comes before the public one; of several, the latest.

    :raises PlanNotSold: if there is none
    """
    found = effective_versions([plan_id], at=at, customer_id=customer_id)
    if plan_id not in found:
        raise PlanNotSold("the plan is not sold to this customer at this time")
    return found[plan_id]


def effective_versions(
    plan_ids: Sequence[str], *, at: datetime, customer_id: str | None
) -> dict[str, str]:
    """Return the version that a customer is sold of each plan; plans not sold are left out."""
    plans = tuple(sorted(set(plan_ids)))
    rows = cache.remembered(("sales", plans), lambda: _sales(plans)) or []
    effective = [each for each in rows if each.effective_from is None or each.effective_from <= at]
    found = {each.plan_id: each.id for each in effective if not each.private_key}
    private = [each for each in effective if each.private_key]
    if customer_id is not None and private:
        theirs = set(_of_customer(customer_id, [each.id for each in private]))
        found |= {each.plan_id: each.id for each in private if each.id in theirs}
    return found


def _sales(plan_ids: Sequence[str]) -> list[PlanVersion]:
    """Return the versions of plans that are sold to somebody at some time, oldest first."""
    rows = PlanVersion.objects.published().filter(
        plan__in=plan_ids, plan__archived_at=None, plan__product__archived_at=None
    )
    return list(rows.only("plan_id", "private_key", "effective_from").order_by("number"))


def _of_customer(customer_id: str, version_ids: Sequence[str]) -> QuerySet:
    """Return which private versions are for a customer, as a flat list of identifiers."""
    named = PlanVersionCustomer.objects.filter(customer_id=customer_id, version__in=version_ids)
    return named.values_list("version_id", flat=True)


def effective_add_on_versions(add_on_ids: Sequence[str], *, at: datetime) -> dict[str, str]:
    """Return the version that is sold of each add-on at an instant of the customer's time, of
    several the latest; add-ons not sold are left out."""
    rows = (
        AddOnVersion.objects.effective(at=at)
        .filter(add_on__in=add_on_ids, add_on__archived_at=None)
        .order_by("number")
        .values_list("add_on_id", "id")
    )
    return dict(rows)


def effective_add_on(reference: str, *, at: datetime) -> AddOnTerms:
    """Return the version of an add-on, by identifier or key, that is sold at an instant.

    :raises AddOnNotFound: if there is no such add-on
    :raises AddOnNotSold: if none of its versions is sold then
    """
    add_on = find_add_on(reference)
    version_id = effective_add_on_versions([add_on.id], at=at).get(add_on.id)
    if version_id is None:
        raise AddOnNotSold(f"{add_on.key} is not sold at this time")
    return add_on_terms_of([version_id])[version_id]


def versions() -> QuerySet[PlanVersion]:
    """Return versions with everything that is shown of them, in a fixed number of queries."""
    return PlanVersion.objects.select_related("plan__product").prefetch_related(
        "customers", "prices__meter", "values__feature", "plan__add_on_links__add_on"
    )


def version(version_id: str) -> PlanVersion:
    """Return a version with everything that is shown of it.

    :raises PlanVersionNotFound:
    """
    row = versions().filter(pk=version_id).first()
    if row is None:
        raise PlanVersionNotFound(f"there is no {version_id}")
    return row


def private_versions(customer_id: str) -> QuerySet:
    """Return the identifiers of the versions that are for one customer, as a subquery."""
    return PlanVersionCustomer.objects.filter(customer_id=customer_id).values("version_id")


def find_plan(reference: str) -> Plan:
    """Return a plan, with its product, by identifier or key.

    :raises PlanNotFound:
    """
    return _find(Plan.objects.select_related("product"), reference, "pln", PlanNotFound)


def find_product(reference: str) -> Product:
    """Return a product by identifier or key.

    :raises ProductNotFound:
    """
    return _find(Product.objects.all(), reference, "prd", ProductNotFound)


def find_add_on(reference: str) -> AddOn:
    """Return an add-on by identifier or key.

    :raises AddOnNotFound:
    """
    return _find(AddOn.objects.all(), reference, "ado", AddOnNotFound)


def find_feature(reference: str) -> FeatureTerms:
    """Return a feature by identifier or key.

    :raises FeatureNotFound:
    """
    known = features()
    by_id = (each for each in known.values() if each.id == reference)
    found = known.get(reference) or next(by_id, None)
    if found is None:
        raise FeatureNotFound(f"there is no {reference}")
    return found


def default_plans(scope: str) -> list[Plan]:
    """Return the plans that new customers or new subjects start on, one per product at most.

    Ordered by product; each with its product, whose ``subject_kind`` may limit it to some subjects.
    """
    rows = (
        Plan.objects.current()
        .filter(product__default_plan=F("id"), product__archived_at=None)
        .filter(product__scope=scope)
        .select_related("product")
        .order_by("product__key")
    )
    return list(rows)


def _find(rows: QuerySet[M], reference: str, prefix: str, missing: type[NotFound]) -> M:
    # a key never looks like an identifier, so another type's finds nothing
    by = "pk" if ids.is_type_id(reference, prefix=prefix) else "key"
    row = cache.remembered((prefix, reference), rows.filter(**{by: reference}).first)
    if row is None:
        raise missing(f"there is no {reference}")
    return row
