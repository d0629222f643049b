"""Record what came of sending, unless somebody else has taken the target in the meantime."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.events import EventType, Fact, publish
from core.models import EventSequence
from core.transactions import command
from customers.queries import now_of
from provisioning import events
from provisioning.models import Attempt, ServiceConfiguration, Target
from provisioning.outcomes import Applied, Gone, LockedOut, Outcome
from provisioning.services.claiming import Claim
from provisioning.services.standing import COLUMNS, put_standing, standing_of
from provisioning.services.stopping import stop
from provisioning.services.writing import write
from provisioning.transitions import Standing, after

_WRITTEN = (*COLUMNS, "lease_until", "applied_content", "applied_hash", "applied_at")
_SHOWN_PROBLEM = 64


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one try. ``status`` is None where no answer began; ``answer`` is its text,
    already made safe to keep."""

    claim: Claim
    outcome: Outcome
    status: int | None
    elapsed_ms: int
    answer: str


@command
def record(*, results: Sequence[Sent], now: datetime) -> int:
    """Record the outcomes of tries; return for how many targets they counted.

    What a worker found out whose target was taken by another one is kept in the attempt and
    changes nothing else. No customer's turn is needed: nothing of the customer's own changes.
    Locks are taken in the order of everybody: services, event sequences, targets.
    """
    sent = {each.claim.target_id: each for each in results}
    services = _lock_services(results)
    _lock_sequences(sent)
    ours = [
        target
        for target in _lock_targets(sent)
        if target.fencing_token == sent[target.id].claim.fencing_token
    ]
    facts = _stop_services(services, [sent[target.id] for target in ours], now)
    for target in ours:
        facts += _settle(target, sent[target.id], now)
    write(ours, _WRITTEN)
    _keep_attempts(results)
    publish(facts)
    return len(ours)


def _settle(target: Target, sent: Sent, now: datetime) -> list[Fact]:
    """Let a target say what its attempt has brought, and return what there is to tell."""
    before = standing_of(target)
    standing = after(
        before,
        sent.outcome,
        generation=sent.claim.generation,
        now=now,
        share=random.random(),
    )
    put_standing(target, standing)
    target.lease_until = None
    if isinstance(sent.outcome, Applied) and sent.claim.generation >= before.applied_generation:
        target.applied_content = dict(sent.claim.content)
        target.applied_hash = sent.claim.hash
        target.applied_at = now
    return _facts(target, before, standing, sent.claim)


def _facts(target: Target, before: Standing, standing: Standing, claim: Claim) -> list[Fact]:
    document = {"target": target.id, "service": target.service.key}
    at = now_of(target.customer)

    def fact(type: EventType, **data: object) -> Fact:
        return Fact(
            type,
            at=at,
            customer_id=target.customer_id,
            subject_id=target.subject_id,
            data={**document, **data},
        )

    facts = []
    if standing.applied_generation > before.applied_generation:
        facts.append(fact(events.TARGET_APPLIED, generation=claim.generation, hash=claim.hash))
    if standing.desired_generation > before.desired_generation:
        facts.append(
            fact(
                events.TARGET_AHEAD,
                generation=standing.desired_generation,
                held=standing.ahead_of,
            )
        )
    if standing.dead_lettered_at is not None and before.dead_lettered_at is None:
        facts.append(
            fact(
                events.TARGET_FAILED,
                generation=standing.desired_generation,
                problem=standing.problem,
            )
        )
    return facts


def _lock_sequences(sent: dict[str, Sent]) -> None:
    """Whoever plans a target has taken its customer's event sequence before; so do we."""
    customers = Target.objects.filter(pk__in=sent).values("customer_id")
    rows = EventSequence.objects.filter(customer_id__in=customers).order_by("customer_id")
    list(rows.select_for_update())


def _lock_targets(sent: dict[str, Sent]) -> list[Target]:
    rows = Target.objects.select_related("service", "customer__test_clock").filter(pk__in=sent)
    return list(rows.order_by("pk").select_for_update(no_key=True, of=("self",)))


def _lock_services(results: Sequence[Sent]) -> list[ServiceConfiguration]:
    """Lock the services that may have to be stopped: none, as a rule."""
    stopping = _stopping(results)
    if not stopping:
        return []
    rows = ServiceConfiguration.objects.called().select_related("service")
    named = rows.filter(service_id__in=stopping).order_by("pk")
    return list(named.select_for_update(no_key=True, of=("self",)))


def _stop_services(
    locked: Sequence[ServiceConfiguration], ours: Sequence[Sent], now: datetime
) -> list[Fact]:
    """Stop calling services that do not let us in or want nothing, with one alert each."""
    stopping = _stopping(ours)
    return [
        stop(
            row,
            problem=stopping[row.service_id].problem,
            for_good=isinstance(stopping[row.service_id], Gone),
            now=now,
        )
        for row in locked
        if row.service_id in stopping
    ]


def _stopping(results: Sequence[Sent]) -> dict[str, LockedOut | Gone]:
    """Return what services answered that is about them and not about one document."""
    return {
        each.claim.service_id: each.outcome
        for each in results
        if isinstance(each.outcome, LockedOut | Gone)
    }


def _keep_attempts(results: Sequence[Sent]) -> None:
    rows = [
        Attempt(
            pk=each.claim.attempt_id,
            outcome=type(each.outcome).__name__.lower(),
            problem=getattr(each.outcome, "problem", "")[:_SHOWN_PROBLEM],
            status=each.status,
            elapsed_ms=each.elapsed_ms,
            answer=each.answer,
        )
        for each in results
    ]
    write(rows, ["outcome", "problem", "status", "elapsed_ms", "answer"])
