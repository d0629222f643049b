"""What product services should hold of an owner beside what they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from console.customer_page.values import NOTHING, said
from customers.models import Customer
from provisioning import queries
from provisioning.models import Attempt, Target

MOST_TARGETS = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One thing a document says, as it should be and as it is."""

    name: str
    desired: str
    applied: str

    @property
    def is_same(self) -> bool:
        return self.desired == self.applied


@dataclass(frozen=True, slots=True)
class Comparison:
    """A target: its documents side by side, and the latest attempt to send one."""

    target: Target
    lines: Sequence[Line]
    attempt: Attempt | None

    @property
    def status(self) -> str:
        return str(queries.status(self.target))

    @property
    def is_sending(self) -> bool:
        """Whether the product service is called at all."""
        return self.target.service.configuration.is_called


def of_owners(
    customer: Customer, whose: Q
) -> tuple[Mapping[str | None, Sequence[Comparison]], bool]:
    """Return the targets of some owners by subject (None: the customer itself), and whether there
    are more."""
    found = list(
        Target.objects.filter(whose, customer=customer)
        .select_related("service__configuration")
        .order_by("service__key", "-id")[: MOST_TARGETS + 1]
    )
    shown = found[:MOST_TARGETS]
    latest = Attempt.objects.filter(target=OuterRef("pk")).order_by("-id").values("pk")[:1]
    newest = Target.objects.filter(pk__in=[each.pk for each in shown]).values(last=Subquery(latest))
    attempts = {each.target_id: each for each in Attempt.objects.filter(pk__in=newest)}
    comparisons: dict[str | None, list[Comparison]] = {}
    for target in shown:
        comparisons.setdefault(target.subject_id, []).append(
            Comparison(
                target,
                compared(target.desired_content, target.applied_content),
                attempts.get(target.id),
            )
        )
    return comparisons, len(found) > MOST_TARGETS


def dead_letters(customer_id: str) -> int:
    """Count all of the customer's dead letters, whatever is shown of them."""
    return Target.objects.dead().filter(customer_id=customer_id).count()


def compared(desired: Mapping[str, Any], applied: Mapping[str, Any] | None) -> list[Line]:
    """Put two documents side by side: their states first, then each feature by its key."""
    held = applied or {}
    lines = [
        Line(name, said(desired.get(name)), said(held.get(name)))
        for name in ("state", "delete_after", "blocks")
        if desired.get(name) or held.get(name)
    ]
    wanted, has = desired.get("entitlements", {}), held.get("entitlements", {})
    return lines + [
        Line(key, _granted(wanted.get(key)), _granted(has.get(key)))
        for key in sorted(wanted.keys() | has.keys())
    ]


def _granted(entitlement: Mapping[str, Any] | None) -> str:
    if entitlement is None:
        return NOTHING
    value = said(entitlement.get("value"))
    until = entitlement.get("until")
    return f"{value} until {said(until)}" if until else value
