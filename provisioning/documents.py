"""The document a product service is sent: what an owner may use there, at an instant. Pure.

What a document says is its content; the hash covers exactly that, so that two documents with one
hash ask for the same thing, whatever their generations and whatever the owner's own keys are.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import rfc8785

from entitlements.resolution import Segment
from entitlements.timelines import Timeline
from plans import values
from plans.terms import FeatureTerms

LARGEST_EXACT = 2**53 - 1  # RFC 8785 has no integers beyond it: JSON readers would round them


class State(StrEnum):
    """``active``: something is granted. ``suspended``: deny everything; what is listed is agreed,
    but blocked or paused, and with nothing left the data is kept until ``delete_after``.
    ``deleted``: the owner is gone for good."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a target is for: a subject, or a customer itself. ``gone``: it has ended for good."""

    customer_id: str
    subject_id: str | None
    gone: bool = False

    @property
    def id(self) -> str:
        return self.subject_id or self.customer_id


@dataclass(frozen=True, slots=True)
class Names:
    """The names that the platform's callers gave an owner. The hash leaves them out."""

    customer_key: str | None
    subject_key: str | None = None
    subject_kind: str | None = None


@dataclass(frozen=True, slots=True)
class Desired:
    """What a product service should hold: content, its hash, and how often it has changed."""

    generation: int
    content: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class Holding:
    """What an owner has at one service: the entitlements that a document lists.

    ``is_denied``: all of them are agreed, but blocked, by the access blocks ``blocks``, or paused.
    """

    entitlements: Mapping[str, Any] = field(default_factory=dict)
    is_denied: bool = False
    blocks: tuple[str, ...] = ()


def holding(
    timeline: Timeline | None, features: Mapping[str, FeatureTerms], at: datetime
) -> Holding:
    """Return what an owner has at an instant of one service's ``features``.

    What is blocked or paused is listed only where nothing is granted; beside something granted it
    is absent, which is how a document denies one feature. ``until`` is set only where no other
    value is granted right after it: a change of the value alone is announced by the next document
    at its instant.
    """
    if timeline is None:
        return Holding()
    ours = replace(
        timeline, segments=tuple(each for each in timeline.segments if each.feature in features)
    )
    granted = replace(
        ours, segments=tuple(each for each in ours.segments if not _is_withheld(each))
    )
    listed = granted if granted.at(at) else ours
    segments = listed.at(at)
    return Holding(
        entitlements={
            key: {
                "type": str(features[key].type),
                "value": _exact(values.to_json(segment.value)),
                "until": _written(listed.until(key, at)),
                "trim": False,
            }
            for key, segment in segments.items()
        },
        is_denied=any(_is_withheld(each) for each in segments.values()),
        blocks=tuple(sorted({name for each in segments.values() for name in each.blocked_by})),
    )


def wanted(
    *,
    owner: Owner,
    held: Holding,
    before: Mapping[str, Any] | None,
    at: datetime,
    grace: timedelta,
) -> Mapping[str, Any] | None:
    """Return the content that the service should have at an instant; None: nothing, still.

    ``before`` is the content desired until now. There is none before the first entitlement; and
    what has nothing left keeps its date of deletion, however often it is looked at.
    """
    if before is None and (owner.gone or not held.entitlements):
        return None
    if owner.gone:
        return _content(owner, State.DELETED, None, Holding())
    if held.entitlements:
        state = State.SUSPENDED if held.is_denied else State.ACTIVE
        return _content(owner, state, None, held)
    if before is not None and (before["state"] == State.DELETED or before["delete_after"]):
        return before
    return _content(owner, State.SUSPENDED, _written(at + grace), held)


def following(current: Desired | None, content: Mapping[str, Any]) -> Desired | None:
    """Return the next generation if the content is another; None if it is what it was.

    From A to B and back to A is two generations: what was sent in between may have been applied.
    """
    desired = Desired(1 if current is None else current.generation + 1, content, hash_of(content))
    return None if current is not None and current.hash == desired.hash else desired


def hash_of(content: Mapping[str, Any]) -> str:
    """Return ``sha256:`` and the SHA-256 of the content's canonical JSON (RFC 8785), in hex."""
    return "sha256:" + hashlib.sha256(rfc8785.dumps(dict(content))).hexdigest()


def document(*, target_id: str, service: str, names: Names, desired: Desired) -> dict[str, Any]:
    """Return the whole document, as it is sent and shown."""
    content = desired.content
    subject = None
    if content["subject"] is not None:
        subject = {
            "id": content["subject"],
            "key": names.subject_key,
            "kind": names.subject_kind,
        }
    return {
        **content,
        "target": target_id,
        "service": service,
        "customer": {"id": content["customer"], "key": names.customer_key},
        "subject": subject,
        "generation": desired.generation,
        "hash": desired.hash,
    }


def body_of(document: Mapping[str, Any]) -> bytes:
    """Write a document as it goes over the wire: canonical JSON, so one text per document."""
    return rfc8785.dumps(dict(document))


def _is_withheld(segment: Segment) -> bool:
    return segment.paused or bool(segment.blocked_by)


def _content(owner: Owner, state: State, delete_after: str | None, held: Holding) -> dict[str, Any]:
    return {
        "customer": owner.customer_id,
        "subject": owner.subject_id,
        "state": str(state),
        "delete_after": delete_after,
        "entitlements": dict(held.entitlements),
        "blocks": list(held.blocks),
    }


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _exact(form: Any) -> Any:
    """Write whole numbers that JSON readers would round as decimal strings, at any depth."""
    if isinstance(form, dict):
        return {name: _exact(child) for name, child in form.items()}
    if isinstance(form, list):
        return [_exact(child) for child in form]
    if isinstance(form, int) and not isinstance(form, bool) and abs(form) > LARGEST_EXACT:
        return str(form)
    return form
