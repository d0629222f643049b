"""What imports depend on, read for many of them at once in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from core import ids
from core.errors import NotFound
from customers.models import Customer, Subject
from customers.services import SubjectEnded, SubjectNotFound
from customers.turns import CustomerNotFound
from plans import queries as catalog
from plans.errors import AddOnNotFound, AddOnNotSold, PlanNotFound, PlanVersionNotFound
from plans.models import AddOn, AddOnVersion, Plan, PlanVersion, VersionStatus
from plans.terms import AddOnTerms, Terms
from subscriptions.given import Sold, SpentTrials, latest, sold_versions, spent_by
from subscriptions.loading import Loaded, load
from subscriptions.models import Subscription, Term
from subscriptions.services.import_items import Item, Slot
from subscriptions.services.results import Owner


class AddOnVersionNotFound(NotFound):
    """The add-on has no published version by this identifier."""

    code = "add_on_version_not_found"


@dataclass(frozen=True, slots=True)
class Names:
    """Who is named: {reference: customer id}, {(customer id, reference): subject id}."""

    customers: Mapping[str, str]
    subjects: Mapping[tuple[str, str], str]

    @classmethod
    def read(cls, items: Sequence[Item]) -> "Names":
        customers = _ids(Customer.objects.all(), {each.customer for each in items}, prefix="cus")
        named = {each.subject for each in items if each.subject is not None}
        of_them = Subject.objects.filter(customer__in=set(customers.values()))
        rows = _named(of_them, named, prefix="sbj") if named else Subject.objects.none()
        subjects = {
            (customer_id, name): pk
            for pk, key, customer_id in rows.values_list("pk", "key", "customer_id")
            for name in (pk, key)
            if name in named
        }
        return cls(customers, subjects)


@dataclass(frozen=True, slots=True)
class Owners:
    """Who is named, as they are in their turns."""

    names: Names
    customers: Mapping[str, Customer]
    subjects: Mapping[str, Subject]

    @classmethod
    def read(cls, names: Names) -> "Owners":
        customers = Customer.objects.in_bulk(set(names.customers.values()))
        return cls(names, customers, Subject.objects.in_bulk(set(names.subjects.values())))

    def of(self, item: Item) -> Owner:
        """Return who subscribes.

        :raises CustomerNotFound, SubjectNotFound, SubjectEnded: as named
        """
        customer_id = self.names.customers.get(item.customer)
        if customer_id is None:
            raise CustomerNotFound("there is no such customer")
        customer = self.customers[customer_id]
        if item.subject is None:
            return Owner(customer)
        subject_id = self.names.subjects.get((customer_id, item.subject))
        if subject_id is None:
            raise SubjectNotFound("the customer has no such subject")
        subject = self.subjects[subject_id]
        if subject.ended_at is not None:
            raise SubjectEnded("this subject has ended")
        return Owner(customer, subject)


@dataclass(frozen=True, slots=True)
class Offers:
    """What is sold of the plans that are named: ``ids`` {reference: plan id}, ``sold`` by plan, and
    ``named`` {(plan id, version id): the customers it is for; None: everybody}."""

    ids: Mapping[str, str]
    sold: Mapping[str, Sequence[Sold]]
    named: Mapping[tuple[str, str], set[str | None]]
    terms: Mapping[str, Terms]

    @classmethod
    def read(cls, items: Sequence[Item], customer_ids: set[str]) -> "Offers":
        plan_ids = _ids(Plan.objects.all(), {each.plan for each in items}, prefix="pln")
        sold = sold_versions(set(plan_ids.values()), customer_ids)
        wanted = {each.version_id for each in items if each.version_id is not None}
        named: dict[tuple[str, str], set[str | None]] = defaultdict(set)
        if wanted:
            rows = PlanVersion.objects.filter(pk__in=wanted).exclude(status=VersionStatus.DRAFT)
            mine = rows.filter(Q(private_key="") | Q(customers__customer_id__in=customer_ids))
            for plan_id, *version in mine.values_list("plan_id", "id", "customers__customer_id"):
                named[plan_id, version[0]].add(version[1])
        versions = {each.id for group in sold.values() for each in group}
        terms = catalog.terms_of(versions | {version_id for _, version_id in named})
        return cls(plan_ids, sold, named, terms)

    def of(self, item: Item, *, customer_id: str, at: datetime) -> Terms:
        """Return the version that an item is about: the one it names, which may be archived, or the
        one that is sold.

        :raises PlanNotFound, PlanVersionNotFound, PlanNotSold: as named
        """
        plan_id = self.ids.get(item.plan)
        if plan_id is None:
            raise PlanNotFound(f"there is no {item.plan}")
        if item.version_id is None:
            return self.terms[latest(self.sold[plan_id], at=at, customer_id=customer_id)]
        if not self.named.get((plan_id, item.version_id), set()) & {None, customer_id}:
            raise PlanVersionNotFound("the plan has no such published version")
        return self.terms[item.version_id]


@dataclass(frozen=True, slots=True)
class AddOnOffers:
    """What is sold of the add-ons that are named: ``ids`` {reference: add-on id}, and of each its
    published versions, the latest first, and all that may be ``named``."""

    ids: Mapping[str, str]
    sold: Mapping[str, Sequence[tuple[str, datetime | None]]]
    named: frozenset[tuple[str, str]]
    terms: Mapping[str, AddOnTerms]

    @classmethod
    def read(cls, items: Sequence[Item]) -> "AddOnOffers":
        wanted = {reference for each in items for reference in each.add_ons}
        if not wanted:
            return cls({}, {}, frozenset(), {})
        add_on_ids = _ids(AddOn.objects.all(), wanted, prefix="ado")
        rows = (
            AddOnVersion.objects.exclude(status=VersionStatus.DRAFT)
            .filter(add_on__in=set(add_on_ids.values()))
            .order_by("-number")
            .values_list("add_on_id", "id", "status", "effective_from", "add_on__archived_at")
        )
        sold: dict[str, list[tuple[str, datetime | None]]] = defaultdict(list)
        named = set()
        for add_on_id, version_id, status, since, archived_at in rows:
            named.add((add_on_id, version_id))
            if status == VersionStatus.PUBLISHED and archived_at is None:
                sold[add_on_id].append((version_id, since))
        terms = catalog.add_on_terms_of(version_id for _, version_id in named)
        return cls(add_on_ids, sold, frozenset(named), terms)

    def of(self, reference: str, item: Item, *, at: datetime) -> AddOnTerms:
        """Return the version of an add-on that an item names, which may be archived, or the one
        that is sold.

        :raises AddOnNotFound, AddOnVersionNotFound, AddOnNotSold: as named
        """
        add_on_id = self.ids.get(reference)
        if add_on_id is None:
            raise AddOnNotFound(f"there is no {reference}")
        version_id = item.add_on_versions.get(reference)
        if version_id is not None:
            if (add_on_id, version_id) not in self.named:
                raise AddOnVersionNotFound(f"{reference} has no such published version")
            return self.terms[version_id]
        for sold_id, since in self.sold.get(add_on_id, ()):
            if since is None or since <= at:
                return self.terms[sold_id]
        raise AddOnNotSold(f"{reference} is not sold at this time")


@dataclass(frozen=True, slots=True)
class Present:
    """What is where something is imported to: what holds an exclusive product (``held``), the terms
    that are its history, when earlier ones were over, the trials that were had, and what fallback
    plans are sold as."""

    held: Mapping[Slot, Loaded]
    terms: Mapping[str, Sequence[Term]]
    ended: Mapping[Slot, Sequence[datetime]]
    spent: SpentTrials
    fallbacks: Mapping[str, Sequence[Sold]]
    fallback_terms: Mapping[str, Terms]

    @classmethod
    def read(
        cls, slots: Sequence[Slot], *, owners: Sequence[Slot], fallback_plan_ids: set[str]
    ) -> "Present":
        """Read what is in the slots of exclusive products, and of their owners, who may have others
        as well, which trials they had."""
        subject_ids = {subject_id for _, _, subject_id in slots if subject_id}
        rows = Subscription.objects.filter(
            Q(subject=None) | Q(subject__in=subject_ids),
            customer__in={customer_id for _, customer_id, _ in slots},
            product__in={product_id for product_id, _, _ in slots},
        )
        wanted = set(slots)
        held = [each for each in rows.current().select_related("term") if _slot(each) in wanted]
        terms: dict[str, list[Term]] = defaultdict(list)
        known = Term.objects.standing().filter(subscription__in=held).order_by("starts_at")
        for term in known.select_related("plan_version"):
            terms[term.subscription_id].append(term)
        ended: dict[Slot, list[datetime]] = defaultdict(list)
        for each in rows.filter(ended_at__isnull=False):
            if each.ended_at is not None:
                ended[_slot(each)].append(each.ended_at)
        fallbacks: Mapping[str, Sequence[Sold]] = {}
        if fallback_plan_ids:
            customer_ids = {customer_id for _, customer_id, _ in owners}
            fallbacks = sold_versions(fallback_plan_ids, customer_ids)
        versions = {each.id for group in fallbacks.values() for each in group}
        return cls(
            {_slot(each.row): each for each in load(held)},
            terms,
            ended,
            spent_by(owners),
            fallbacks,
            catalog.terms_of(versions),
        )

    def fallback_of(self, terms: Terms, *, at: datetime, customer_id: str) -> Terms | None:
        """Return what a plan falls back to, as a customer is sold it at an instant.

        :raises PlanNotSold: if it is not sold then
        """
        plan_id = terms.product.fallback_plan_id
        if plan_id is None:
            return None
        return self.fallback_terms[latest(self.fallbacks[plan_id], at=at, customer_id=customer_id)]


def _slot(row: Subscription) -> Slot:
    return row.product_id, row.customer_id, row.subject_id


def _ids(rows: Any, references: set[str], *, prefix: str) -> dict[str, str]:
    """Return the identifiers of what is named by id or key: {reference: id}."""
    found = _named(rows, references, prefix=prefix).values_list("pk", "key")
    return {name: pk for pk, key in found for name in (pk, key) if name in references}


def _named(rows: Any, references: Iterable[str], *, prefix: str) -> Any:
    """Keep what is named; what looks like an identifier is never a key."""
    by_id = [each for each in references if ids.is_type_id(each, prefix=prefix)]
    keys = [each for each in references if not ids.is_type_id(each)]
    return rows.filter(Q(pk__in=by_id) | Q(key__in=keys))
