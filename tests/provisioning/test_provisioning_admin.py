"""What staff see and do about product services and targets in the admin."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from provisioning import queries, tasks
from provisioning.models import ServiceConfiguration, Target
from tests.provisioning.conftest import MachineTime, Provisioning, answers, applies
from tests.world import World


@pytest.fixture
def staff(world: World) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def page(staff: Client, name: str, *args: Any, **query: Any) -> str:
    answer = staff.get(reverse(f"admin:provisioning_{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def act(staff: Client, model: str, action: str, *rows: str) -> str:
    answer = staff.post(
        reverse(f"admin:provisioning_{model}_changelist"),
        {"action": action, "_selected_action": rows},
        follow=True,
    )
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_target_shows_desired_beside_applied_and_answers_cannot_do_harm(
    world: World, provisioning: Provisioning, staff: Client
) -> None:
    edge = provisioning.scripted()
    provisioning.configure(edge)
    shop = world.zone(world.customer(), key="shop.example")
    provisioning.deliver()
    edge.behave = answers(422, b"<script>alert(1)</script>")
    world.change(shop, "pro")
    provisioning.deliver(limit=1)

    target = provisioning.target(shop)
    seen = page(staff, "target_change", target.id)
    assert "&quot;value&quot;: 20" in seen
    assert "&quot;value&quot;: 5" in seen
    assert "&lt;script&gt;alert(1)" in seen
    assert "<script>alert(1)" not in seen
    assert 'name="state"' not in seen  # nothing can be edited

    for query in (target.id, shop, "shop.example", "answer_422"):
        assert target.id in page(staff, "target_changelist", q=query)
    assert target.id in page(staff, "attempt_changelist", q=target.id)


def test_services_show_their_lag_and_are_operated(
    world: World, provisioning: Provisioning, staff: Client, time: MachineTime
) -> None:
    edge = provisioning.scripted(answers(422))
    provisioning.configure(edge)
    ada = world.customer()
    zones = [world.zone(ada, key=f"zone-{number}") for number in range(3)]
    for _ in range(3):
        provisioning.deliver()
        time.passes(seconds=5)
    edge.behave = applies
    world.zone(ada, key="waiting")
    row = provisioning.configuration()
    (seen,) = queries.with_lag(ServiceConfiguration.objects.all())
    waiting = provisioning.target(world.zone(ada, key="waiting-too"))
    (later,) = queries.with_lag(ServiceConfiguration.objects.all())
    assert (seen.waiting, seen.dead_letters) == (1, 3)
    assert (later.waiting, later.dead_letters) == (2, 3)
    assert later.oldest_due_at == seen.oldest_due_at < waiting.next_attempt_at
    assert "edge" in page(staff, "serviceconfiguration_changelist")

    act(staff, "serviceconfiguration", "pause", row.id)
    assert provisioning.configuration().status == "paused"
    assert provisioning.deliver() == 0
    act(staff, "serviceconfiguration", "resume", row.id)
    assert "3 are tried again" in act(staff, "serviceconfiguration", "retry_dead_letters", row.id)
    assert provisioning.deliver() == 5
    assert "5 are sent again" in act(staff, "serviceconfiguration", "resync", row.id)
    assert provisioning.deliver() == 5
    act(staff, "target", "resync", provisioning.target(zones[0]).id)
    assert provisioning.deliver() == 1


def test_secrets_are_listed_without_what_they_are(
    world: World, provisioning: Provisioning, staff: Client
) -> None:
    provisioning.configure(provisioning.sample())
    (secret,) = provisioning.configuration().secrets.all()
    assert secret.id in page(staff, "servicesecret_changelist")
    assert "sealed" not in page(staff, "servicesecret_change", secret.id).lower()


def test_a_task_is_sent_for_each_service_with_work(
    world: World, provisioning: Provisioning, monkeypatch: pytest.MonkeyPatch
) -> None:
    provisioning.configure(provisioning.sample(), "edge")
    provisioning.configure(provisioning.sample(), "desk")
    world.zone(world.customer())
    sent: list[dict[str, str]] = []
    monkeypatch.setattr(tasks.deliver_service, "delay", lambda **given: sent.append(given))
    tasks.deliver()
    assert sent == [{"service_id": provisioning.service_ids["edge"]}]

    tasks.deliver_service(**sent[0])
    assert not Target.objects.lagging().exists()
    sent.clear()
    tasks.deliver()
    assert sent == []
