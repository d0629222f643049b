"""How a subscription stands, as plain JSON without identifiers of rows: what a preview shows before
and after, and what an undo leads back to."""

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Q

from changes.undoing import Standing
from core import clock
from entitlements.models import Override
from subscriptions.models import Block, PendingChange, Subscription, Term

Owned = tuple[str, str | None]  # customer and subject


def standings(subscription_ids: Collection[str]) -> dict[str, Standing]:
    """Read how subscriptions stand in the current transaction."""
    rows = list(Subscription.objects.shown().filter(pk__in=subscription_ids))
    blocks: dict[str, list[Block]] = {}
    placed = Block.objects.filter(subscription__in=subscription_ids, lifted_at=None)
    for each in placed.order_by("name", "starts_at"):
        blocks.setdefault(str(each.subscription_id), []).append(each)
    given: dict[Owned, list[Override]] = {}
    counting = Override.objects.not_over().filter(
        Q(subject=None) | Q(subject_id__in={row.subject_id for row in rows}),
        customer_id__in={row.customer_id for row in rows},
    )
    for override in counting.select_related("feature").order_by("feature__key", "starts_at"):
        given.setdefault((override.customer_id, override.subject_id), []).append(override)
    return {
        row.id: _standing(
            row, blocks.get(row.id, []), given.get((row.customer_id, row.subject_id), [])
        )
        for row in rows
    }


def _standing(row: Subscription, blocks: Sequence[Block], given: Sequence[Override]) -> Standing:
    term: Term = row.term
    pending: list[PendingChange] = row.pending_changes  # type: ignore[attr-defined]  # prefetched
    return {
        "plan": row.plan_version.plan.key,
        "plan_version": row.plan_version_id,
        "interval": row.interval,
        "quantity": row.quantity,
        "add_ons": {key: held["quantity"] for key, held in sorted(term.add_ons.items())},
        "limits_kept_from": list(term.limits_of),
        "state": str(row.state),
        "started_at": clock.written(row.started_at),
        "ended_at": row.ended_at and clock.written(row.ended_at),
        "trial_end": term.trial_ends_at and clock.written(term.trial_ends_at),
        "paused_since": term.paused_since and clock.written(term.paused_since),
        "pause_mode": term.pause_mode,
        "anchor": clock.written(term.anchor_at),
        "anchor_day": term.anchor_day,
        "zone": term.zone,
        "period_start": clock.written(row.period_start),
        "period_end": clock.written(row.period_end),
        "blocks": [_blocked(each) for each in blocks],
        "overrides": [_given(each) for each in given],
        "pending": sorted((_planned(each) for each in pending), key=_in_time),
    }


def _blocked(block: Block) -> Standing:
    """What a customer may know of a block."""
    return {
        "name": block.name,
        "effects": sorted(block.effects),
        "from": clock.written(block.starts_at),
        "until": block.ends_at and clock.written(block.ends_at),
        "public_reason": block.public_reason,
    }


def _given(override: Override) -> Standing:
    """What its owner was given beside all that is sold; ``waits`` for somebody's approval."""
    return {
        "feature": override.feature.key,
        "mode": override.mode,
        "value": override.value,
        "from": clock.written(override.starts_at),
        "until": override.expires_at and clock.written(override.expires_at),
        "waits": override.needs_approval and override.approved_at is None,
    }


def _in_time(planned: Standing) -> tuple[str, str, str]:
    """Not by identifier: those of one instant are in any order."""
    return planned["effective_at"], planned["kind"], planned["add_on"]


def _planned(change: PendingChange) -> dict[str, Any]:
    details = dict(change.details)
    if "add_on" in details:
        details = {"quantity": details["add_on"]["quantity"]}
    return {
        "kind": str(change.kind),
        "add_on": change.key,
        "effective_at": clock.written(change.effective_at),
        "with_period": change.with_period,
        "plan": change.plan_version.plan.key if change.plan_version else None,
        "plan_version": change.plan_version_id,
        "interval": change.interval,
        "quantity": details.get("quantity"),
        "settlement": change.decision.get("settlement"),
        "details": {name: each for name, each in sorted(details.items()) if name != "quantity"},
    }
