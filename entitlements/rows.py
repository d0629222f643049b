"""From plain values to rows and back."""

from collections.abc import Mapping
from datetime import datetime

from core.acting import Acting
from entitlements import blocks, models, timelines
from entitlements.facts import Fact
from entitlements.overrides import Given, Mode
from entitlements.timelines import Timeline
from plans import values
from plans.terms import Effect, FeatureTerms


def fact_of(row: models.Fact, features: Mapping[str, FeatureTerms]) -> Fact:
    """Read a fact; ``features`` says of which types the values are."""
    return Fact(
        customer_id=row.customer_id,
        subject_id=row.subject_id,
        feature=row.feature,
        value=values.parse(features[row.feature].type, row.value),
        source=timelines.source_from_json(row.source),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        window=None if row.window is None else timelines.window_from_json(row.window),
        cause=row.cause,
        effect=Effect(row.effect),
        paused=row.paused,
        blocked_by=tuple(row.blocked_by),
    )


def row_of(fact: Fact, *, recorded_at: datetime, acting: Acting) -> models.Fact:
    """Write a fact that becomes known now, by whom and why."""
    return models.Fact(
        customer_id=fact.customer_id,
        subject_id=fact.subject_id,
        feature=fact.feature,
        value=values.to_json(fact.value),
        source_type=fact.source.type,
        source_id=fact.source.id,
        source=timelines.source_to_json(fact.source),
        window=None if fact.window is None else timelines.window_to_json(fact.window),
        cause=fact.cause,
        effect=fact.effect,
        paused=fact.paused,
        blocked_by=list(fact.blocked_by),
        starts_at=fact.starts_at,
        ends_at=fact.ends_at,
        recorded_at=recorded_at,
        actor=acting.actor,
        reason=acting.reason,
    )


def given_of(row: models.Override) -> Given:
    """Read an override that counts; its feature must have been read."""
    return Given(
        id=row.id,
        customer_id=row.customer_id,
        subject_id=row.subject_id,
        feature=row.feature.key,
        mode=Mode(row.mode),
        value=values.parse(row.feature.type, row.value),
        starts_at=row.starts_at,
        ends_at=row.over_at,
    )


def timeline_of(row: models.Timeline, features: Mapping[str, FeatureTerms]) -> Timeline:
    return Timeline(
        owner_id=row.owner,
        customer_id=row.customer_id,
        subject_id=row.subject_id,
        revision=row.revision,
        starts_at=row.starts_at,
        segments=timelines.from_json(row.segments, features),
        blocks=blocks.from_json(row.blocks),
    )
