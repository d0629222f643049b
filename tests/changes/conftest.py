"""The platform with the real price list, one product service that is told, and shorthands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from core import clock
from core.transactions import unit_of_work
from entitlements import connections
from plans.models import ProductService
from provisioning.models import ServiceConfiguration, Target
from tests.world import World


@dataclass
class Changes(World):
    """A world in which changes are previewed first."""

    def preview(self, owner: str, *operations: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Make a change set of the owner's subscription; return it."""
        return self.post(
            "change-sets",
            status=201,
            subscription=self.subscription(owner)["id"],
            operations=list(operations),
            **more,
        )["resource"]

    def select(self, *operations: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Make a change set with a selector and preview all of it; return it."""
        made = self.post("change-sets", status=201, operations=list(operations), **more)
        self.settle()
        return self.change_set(made["resource"])

    def decide(self, change_set: dict[str, Any], verb: str, status: int = 200) -> dict[str, Any]:
        answer = self.post(f"change-sets/{change_set['id']}/{verb}", status=status)
        return answer if status >= 300 else answer["resource"]

    def change_set(self, change_set: dict[str, Any]) -> dict[str, Any]:
        return self.get(f"change-sets/{change_set['id']}")

    def items(self, change_set: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        return list(self.get(f"change-sets/{change_set['id']}/items", **query)["data"])

    def charges(self, owner: str) -> list[tuple[str, int]]:
        """Return what was charged of an owner's subscription, oldest first."""
        found = self.get(f"subscriptions/{self.subscription(owner)['id']}/charges", limit=100)
        return [(each["kind"], each["amount"]["amount"]) for each in reversed(found["data"])]

    def documents(self, subject: str) -> dict[str, Any]:
        """Return what product services should have of a subject."""
        rows = Target.objects.filter(subject_id=subject).select_related("service")
        return {row.service.key: row.desired_content for row in rows}

    def values(self, subject: str, at: str) -> dict[str, Any]:
        """Return what a subject may use at an instant, as the API says it."""
        customer = self.get(f"subscriptions/{self.subscription(subject)['id']}")["customer"]
        listed = self.get(f"customers/{customer}/entitlements", subject=subject, at=at)
        return {each["feature"]: each["value"] for each in listed["data"]}


def _told() -> None:
    """Services without a secret are planned for, and not called."""
    for service in ProductService.objects.all():
        ServiceConfiguration.objects.create(
            service=service, url="https://edge.example", sandbox=True, created_at=clock.system_now()
        )


def _opened(catalog: str) -> Iterator[Changes]:
    made = Changes(Client())
    made.open(catalog)
    unit_of_work(_told)
    yield made
    made.settle()
    call_command("check_invariants", verbosity=0)
    connections.close()


@pytest.fixture
def world(transactional_db: Any) -> Iterator[Changes]:
    """The platform with the real price list; what the story leaves behind must be sound."""
    yield from _opened("catalog.yaml")


@pytest.fixture
def invented(transactional_db: Any) -> Iterator[Changes]:
    """The platform with trials, seats, add-ons and usage."""
    yield from _opened("catalog-invented.yaml")
