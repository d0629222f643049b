"""The customer's page, put together from what each app knows about the customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q

from console.customer_page import charged, holdings, subscribed, targets
from console.customer_page.charged import Charged
from console.customer_page.history import History, history_of
from console.customer_page.holdings import Holding
from console.customer_page.subscribed import Subscribed
from console.customer_page.targets import Comparison
from core import ids
from customers.models import Customer, Subject
from customers.queries import now_of
from entitlements.models import CustomerRevision

MOST_SUBJECTS = 20


@dataclass(frozen=True, slots=True)
class Owner:
    """The customer itself (``subject`` is None) or one subject, with all it has."""

    subject: Subject | None
    subscribed: Sequence[Subscribed]
    holdings: Sequence[Holding]
    targets: Sequence[Comparison]


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """``only`` is the one subject the page was asked for. ``cut`` says of which lists there is
    more than is shown."""

    customer: Customer
    now: datetime
    revision: CustomerRevision | None
    owners: Sequence[Owner]
    only: Subject | None
    subjects_in_all: int
    charged: Charged
    history: History
    dead_letters: int
    cut: Sequence[str]

    @property
    def subjects_shown(self) -> int:
        return sum(owner.subject is not None for owner in self.owners)


def find_customer(customer_id: str) -> Customer | None:
    """Return a customer with profile and clock; None for text that is no customer's identifier."""
    if not ids.is_type_id(customer_id, prefix="cus"):
        return None
    rows = Customer.objects.select_related("profile", "test_clock")
    return rows.filter(pk=customer_id).first()


def customer_page(customer: Customer, *, only: str = "") -> CustomerPage:
    """Read a customer's page; ``only`` names one subject, by identifier or key, to show alone."""
    now = now_of(customer)
    subjects = Subject.objects.filter(customer=customer)
    chosen = _named(only, customer) if only else None
    shown = (
        [chosen]
        if chosen
        else list(subjects.order_by(F("ended_at").desc(nulls_first=True), "-id")[:MOST_SUBJECTS])
    )
    whose = Q(subject__in=shown) if chosen else Q(subject=None) | Q(subject__in=shown)
    agreed, more_subscribed = subscribed.of_owners(customer, whose)
    held, more_facts = holdings.of_owners(customer, shown, at=now, itself=chosen is None)
    sent, more_targets = targets.of_owners(customer, whose)
    owners: dict[str | None, Subject | None] = {} if chosen else {None: None}
    owners |= {subject.id: subject for subject in shown}
    cut = {
        "subscriptions": more_subscribed,
        "entitlements": more_facts,
        "provisioning targets": more_targets,
    }
    return CustomerPage(
        customer=customer,
        now=now,
        revision=CustomerRevision.objects.filter(customer=customer).first(),
        owners=[
            Owner(subject, agreed.get(key, ()), held.get(key, ()), sent.get(key, ()))
            for key, subject in owners.items()
        ],
        only=chosen,
        subjects_in_all=subjects.count(),
        charged=charged.of_customer(customer),
        history=history_of(customer.id),
        dead_letters=targets.dead_letters(customer.id),
        cut=[name for name, is_cut in cut.items() if is_cut],
    )


def _named(reference: str, customer: Customer) -> Subject | None:
    rows = Subject.objects.filter(customer=customer)
    if ids.is_type_id(reference):
        is_subject = ids.is_type_id(reference, prefix="sbj")
        return rows.filter(pk=reference).first() if is_subject else None
    return rows.filter(key=reference).first() if "\x00" not in reference else None
