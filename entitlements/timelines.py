"""Timelines: when an owner has which value, as stored and as read at an instant. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.periods import Anchor, Cycle, Period
from entitlements.blocks import Block
from entitlements.facts import Source
from entitlements.resolution import Segment
from entitlements.windows import WindowRule
from plans import values
from plans.resets import ResetKind
from plans.terms import FeatureTerms
from plans.values import Value


@dataclass(frozen=True, slots=True)
class Timeline:
    """What one owner has from ``starts_at`` on; segments are in the order of feature and time.

    The owner is the subject or, without one, the customer itself. ``revision`` is the customer's
    at the timeline's last change. ``blocks`` are the owner's own, as a whole.
    """

    owner_id: str
    customer_id: str
    subject_id: str | None
    revision: int
    starts_at: datetime
    segments: tuple[Segment, ...]
    blocks: tuple[Block, ...] = ()

    def at(self, at: datetime) -> dict[str, Segment]:
        """Return the segment in effect of each feature that has one."""
        return {each.feature: each for each in self.segments if each.is_in_effect(at)}

    def value_at(self, feature: str, at: datetime) -> Value | None:
        segment = self.at(at).get(feature)
        return None if segment is None else segment.value

    def until(self, feature: str, at: datetime) -> datetime | None:
        """Return when a feature that is in effect ends, with no other value right after it.

        None: nothing ends it, or another value follows; then the document changes at that instant.
        """
        segment = self.at(at).get(feature)
        if segment is None or segment.ends_at is None:
            return None
        followed = any(
            each.feature == feature and each.starts_at == segment.ends_at for each in self.segments
        )
        return None if followed else segment.ends_at


@dataclass(frozen=True, slots=True)
class Standing:
    """How one feature stands at one instant.

    ``ended`` is the last segment before, where none is in effect; ``following`` what holds at
    ``changes_at``, the next instant at which time alone changes something.
    """

    current: Segment | None
    ended: Segment | None
    following: Segment | None
    changes_at: datetime | None


def standing(track: Sequence[Segment], at: datetime) -> Standing:
    """Read one feature's segments, in the order of time, at an instant."""
    current = _in_effect(track, at)
    changes_at = next_boundary(track, at)
    past = [each for each in track if each.ends_at is not None and each.ends_at <= at]
    return Standing(
        current=current,
        ended=past[-1] if past and current is None else None,
        following=None if changes_at is None else _in_effect(track, changes_at),
        changes_at=changes_at,
    )


def next_boundary(segments: Iterable[Segment], after: datetime) -> datetime | None:
    """Return the next instant at which a segment begins or ends."""
    instants = [
        instant
        for each in segments
        for instant in (each.starts_at, each.ends_at)
        if instant is not None and instant > after
    ]
    return min(instants, default=None)


def changed_features(
    before: Sequence[Segment], after: Sequence[Segment], *, passed: Iterable[str]
) -> list[str]:
    """Name the features whose track is another, and those that ``passed`` a boundary."""
    changed = {each.feature for each in set(before) ^ set(after)}
    return sorted(changed | set(passed))


def passing(segments: Iterable[Segment], *, after: datetime, until: datetime) -> list[str]:
    """Name the features with a boundary in ``(after, until]``."""
    return sorted(
        {
            each.feature
            for each in segments
            if after < each.starts_at <= until
            or (each.ends_at is not None and after < each.ends_at <= until)
        }
    )


def to_json(segments: Iterable[Segment]) -> dict[str, Any]:
    """Write segments: each source once, tracks by feature, instants in UTC."""
    sources: dict[Source, int] = {}
    tracks: dict[str, list[dict[str, Any]]] = {}
    for each in segments:
        places = [sources.setdefault(source, len(sources)) for source in each.sources]
        form = {
            "from": _instant_to_json(each.starts_at),
            "until": None if each.ends_at is None else _instant_to_json(each.ends_at),
            "value": values.to_json(each.value),
            "sources": places,
        }
        if each.window is not None:
            form["window"] = window_to_json(each.window)
        if each.paused:
            form["paused"] = True
        if each.blocked_by:
            form["blocked_by"] = list(each.blocked_by)
        tracks.setdefault(each.feature, []).append(form)
    return {"sources": [source_to_json(each) for each in sources], "features": tracks}


def from_json(form: Mapping[str, Any], features: Mapping[str, FeatureTerms]) -> tuple[Segment, ...]:
    """Read what ``to_json`` wrote."""
    sources = [source_from_json(each) for each in form["sources"]]
    return tuple(
        segment
        for key in sorted(form["features"])
        for segment in track_from_json(features[key], form["features"][key], sources)
    )


def track_from_json(
    feature: FeatureTerms, rows: Iterable[Mapping[str, Any]], sources: Sequence[Source] = ()
) -> list[Segment]:
    """Read one feature's segments; without ``sources`` they are left out, as a check does."""
    return [
        Segment(
            feature=feature.key,
            starts_at=datetime.fromisoformat(row["from"]),
            ends_at=None if row["until"] is None else datetime.fromisoformat(row["until"]),
            value=values.parse(feature.type, row["value"]),
            sources=tuple(sources[place] for place in row["sources"]) if sources else (),
            window=window_from_json(row["window"]) if "window" in row else None,
            paused=row.get("paused", False),
            blocked_by=tuple(row.get("blocked_by", ())),
        )
        for row in rows
    ]


def source_to_json(source: Source) -> dict[str, str]:
    """Write a source; what only some have is left out of others."""
    form = {
        "type": source.type,
        "id": source.id,
        "product": source.product,
        "plan": source.plan,
        "plan_version": source.plan_version,
    }
    own = {
        "subscription": source.subscription,
        "add_on": source.add_on,
        "add_on_version": source.add_on_version,
        "kept_from": source.kept_from,
        "mode": source.mode,
    }
    return form | {name: text for name, text in own.items() if text}


def source_from_json(form: Mapping[str, str]) -> Source:
    return Source(**form)


def window_to_json(rule: WindowRule) -> dict[str, Any]:
    """Write a rule; what it does not need is left out."""
    form: dict[str, Any] = {"reset": str(rule.kind), "every": rule.every, "zone": rule.zone}
    if rule.anchor is not None:
        form["anchor"] = _instant_to_json(rule.anchor)
    if rule.cycle is not None:
        form["cycle"] = _cycle_to_json(rule.cycle)
    if rule.open is not None:
        form["open"] = [_instant_to_json(rule.open.start), _instant_to_json(rule.open.end)]
    return {name: part for name, part in form.items() if part}


def window_from_json(form: Mapping[str, Any]) -> WindowRule:
    anchor, cycle, bounds = form.get("anchor"), form.get("cycle"), form.get("open")
    return WindowRule(
        ResetKind(form["reset"]),
        form.get("every", ""),
        form.get("zone", ""),
        None if anchor is None else datetime.fromisoformat(anchor),
        None if cycle is None else _cycle_from_json(cycle),
        None if bounds is None else Period(*map(datetime.fromisoformat, bounds)),
    )


def _cycle_to_json(cycle: Cycle) -> dict[str, Any]:
    form: dict[str, Any] = {
        "anchor": _instant_to_json(cycle.anchor.at),
        "day": cycle.anchor.day_of_month,
        "zone": cycle.zone,
        "shift_seconds": cycle.shift_seconds,
        "left_zone": cycle.left_zone,
    }
    if cycle.joined_at is not None:
        form["joined_at"] = _instant_to_json(cycle.joined_at)
    return {name: part for name, part in form.items() if part}


def _cycle_from_json(form: Mapping[str, Any]) -> Cycle:
    joined_at = form.get("joined_at")
    return Cycle(
        Anchor(datetime.fromisoformat(form["anchor"]), form["zone"], form.get("day")),
        form.get("shift_seconds", 0),
        None if joined_at is None else datetime.fromisoformat(joined_at),
        form.get("left_zone"),
    )


def _instant_to_json(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _in_effect(track: Iterable[Segment], at: datetime) -> Segment | None:
    return next((each for each in track if each.is_in_effect(at)), None)
