"""Subscriptions from rows to values: what the rules work on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from core.periods import Anchor, Cycle, Period
from customers.queries import held
from plans import queries as catalog
from plans.terms import AddOnTerms, PauseMode, Terms
from subscriptions.agreement import AddOnHeld, Agreement, Pause, Trial
from subscriptions.models import PendingChange, Subscription, Term
from subscriptions.planned import Kind, Planned
from subscriptions.states import State


@dataclass(slots=True)
class Loaded:
    """One subscription: its row, the agreement it holds, and what is planned for it.

    If it changed at this very instant already, ``before`` is what it held until then, by the term
    ``previous`` if it had begun earlier."""

    row: Subscription
    agreement: Agreement
    planned: list[Planned] = field(default_factory=list)
    before: Agreement | None = None
    previous: Term | None = None

    def pending(self, kind: Kind, key: str = "") -> Planned | None:
        return next((each for each in self.planned if each.kind == kind and each.key == key), None)

    @property
    def base(self) -> Agreement:
        """What a change is made from: what held just before this instant, if only other changes
        have been made at it."""
        if self.before is None or self.row.term.is_composed:
            return self.agreement
        return self.before


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of plans and add-ons that rows name, by their identifiers."""

    plans: Mapping[str, Terms]
    add_ons: Mapping[str, AddOnTerms]


def load(rows: Sequence[Subscription]) -> list[Loaded]:
    """Read what belongs to these rows in a fixed number of queries. Call it under their turns.

    The rows come with their ``term``.
    """
    customers = held({row.customer_id for row in rows})
    for row in rows:
        row.customer = customers[row.customer_id]
    changes = list(
        PendingChange.objects.pending().filter(subscription__in=rows).order_by("effective_at", "id")
    )
    versions = versions_of([row.term for row in rows], changes)
    planned: dict[str, list[Planned]] = {row.id: [] for row in rows}
    for each in changes:
        planned[each.subscription_id].append(as_planned(each, versions))
    return [Loaded(row, _agreement(row, versions), planned[row.id]) for row in rows]


def load_with_base(rows: Sequence[Subscription], *, at: Mapping[str, datetime]) -> list[Loaded]:
    """Read subscriptions, and what those that changed at their instant already were before.

    At the instant of its beginning nothing was before; a change there is made from how it began.
    """
    found = load(rows)
    for loaded in found:
        instant = at[loaded.row.id]
        if loaded.row.term.starts_at == instant:
            _add_base(loaded, at=instant)
    return found


def _add_base(loaded: Loaded, *, at: datetime) -> None:
    terms = Term.objects.filter(subscription=loaded.row, starts_at__lte=at)
    previous = terms.standing().filter(starts_at__lt=at).order_by("-starts_at").first()
    began = previous or terms.order_by("recorded_at", "id")[0]
    if began.id != loaded.row.term_id:
        base = as_agreement(began, versions_of([began], []))
        loaded.before = replace(base, period=base.period_at(at))
        loaded.previous = previous


def versions_of(terms: Iterable[Term], changes: Iterable[PendingChange]) -> Versions:
    """Read the versions that terms and pending changes name."""
    plan_ids: set[str] = set()
    add_on_ids: set[str] = set()
    for term in terms:
        plan_ids.add(term.plan_version_id)
        add_on_ids |= {held["version"] for held in term.add_ons.values()}
    for change in changes:
        if change.plan_version_id:
            plan_ids.add(change.plan_version_id)
        if "add_on" in change.details:
            add_on_ids.add(change.details["add_on"]["version"])
    return Versions(catalog.terms_of(sorted(plan_ids)), catalog.add_on_terms_of(sorted(add_on_ids)))


def as_agreement(term: Term, versions: Versions) -> Agreement:
    """Return the value that a term holds, with the period that was open when it began."""
    return Agreement(
        terms=versions.plans[term.plan_version_id],
        interval=term.interval,
        currency=term.currency,
        quantity=term.quantity,
        state=State(term.state),
        cycle=Cycle(
            Anchor(term.anchor_at, term.zone, term.anchor_day),
            term.shift_seconds,
            term.joined_at,
            term.left_zone or None,
        ),
        period=Period(term.period_start, term.period_end),
        add_ons=tuple(
            AddOnHeld(versions.add_ons[held["version"]], held["quantity"])
            for _, held in sorted(term.add_ons.items())
        ),
        trial=(
            Trial(term.trial_starts_at, term.trial_ends_at)
            if term.trial_starts_at and term.trial_ends_at
            else None
        ),
        pause=(
            Pause(term.paused_since, PauseMode(term.pause_mode), term.is_past_due_in_pause)
            if term.paused_since
            else None
        ),
        is_billed=term.is_billed,
        limits_of=tuple(term.limits_of),
    )


def as_columns(agreement: Agreement) -> dict[str, Any]:
    """Return the columns of a term that holds an agreement."""
    cycle, trial, pause = agreement.cycle, agreement.trial, agreement.pause
    return {
        "plan_version_id": agreement.terms.version_id,
        "interval": agreement.interval,
        "currency": agreement.currency,
        "quantity": agreement.quantity,
        "add_ons": {
            held.key: {"version": held.terms.version_id, "quantity": held.quantity}
            for held in agreement.add_ons
        },
        "state": agreement.state,
        "anchor_at": cycle.anchor.at,
        "anchor_day": cycle.anchor.day_of_month,
        "zone": cycle.zone,
        "shift_seconds": cycle.shift_seconds,
        "joined_at": cycle.joined_at,
        "left_zone": cycle.left_zone or "",
        "period_start": agreement.period.start,
        "period_end": agreement.period.end,
        "trial_starts_at": trial and trial.starts_at,
        "trial_ends_at": trial and trial.ends_at,
        "paused_since": pause and pause.since,
        "pause_mode": pause.mode if pause else "",
        "is_past_due_in_pause": pause is not None and pause.is_past_due,
        "is_billed": agreement.is_billed,
        "limits_of": list(agreement.limits_of),
    }


def as_planned(row: PendingChange, versions: Versions) -> Planned:
    """Return the value that a pending change holds."""
    details = row.details
    add_on, anchor = details.get("add_on"), details.get("anchor")
    return Planned(
        id=row.id,
        kind=Kind(row.kind),
        at=row.effective_at,
        with_period=row.with_period,
        terms=versions.plans[row.plan_version_id] if row.plan_version_id else None,
        interval=row.interval,
        quantity=details.get("quantity"),
        add_on=add_on and AddOnHeld(versions.add_ons[add_on["version"]], add_on["quantity"]),
        pause_mode=PauseMode(details["pause_mode"]) if "pause_mode" in details else None,
        anchor=anchor
        and Anchor(datetime.fromisoformat(anchor["at"]), anchor["zone"], anchor["day_of_month"]),
        zone=details.get("zone"),
        trial_days=details.get("trial_days"),
        keeps_limits=details.get("keep_higher_limits", False),
        decision=row.decision,
    )


def as_change(
    planned: Planned, row: Subscription, *, at: datetime, recorded_at: datetime
) -> PendingChange:
    """Return the row, not written yet, that holds what is planned."""
    return PendingChange(
        customer_id=row.customer_id,
        subscription=row,
        kind=planned.kind,
        key=planned.key,
        effective_at=planned.at,
        with_period=planned.with_period,
        plan_version_id=planned.terms.version_id if planned.terms else None,
        interval=planned.interval,
        details=_details(planned),
        decision=dict(planned.decision),
        created_at=at,
        recorded_at=recorded_at,
    )


def _details(planned: Planned) -> dict[str, Any]:
    held, anchor = planned.add_on, planned.anchor
    details: dict[str, Any] = {
        "quantity": planned.quantity,
        "add_on": held and {"version": held.terms.version_id, "quantity": held.quantity},
        "pause_mode": planned.pause_mode and str(planned.pause_mode),
        "anchor": anchor
        and {
            "at": anchor.at.isoformat(),
            "zone": anchor.zone,
            "day_of_month": anchor.day_of_month,
        },
        "zone": planned.zone,
        "trial_days": planned.trial_days,
        "keep_higher_limits": planned.keeps_limits or None,
    }
    return {name: value for name, value in details.items() if value is not None}


def _agreement(row: Subscription, versions: Versions) -> Agreement:
    """The row's period is newer than its term's, which is the one that the term began in."""
    agreement = as_agreement(row.term, versions)
    return replace(agreement, period=Period(row.period_start, row.period_end))
