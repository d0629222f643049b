"""The document a product service is sent: what an owner may use there, at an instant. Pure.

What a document says is its content; the hash covers exactly that, so that two documents with one
hash ask for the same thing, whatever their generations and whatever the owner's own keys are.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import rfc8785

from entitlements.timelines import Timeline
from plans import values
from plans.terms import FeatureTerms

LARGEST_EXACT = 2**53 - 1  # RFC 8785 has no integers beyond it: JSON readers would round them


class State(StrEnum):
    """``active``: something is granted. ``suspended``: deny everything, keep the data until
    ``delete_after``. ``deleted``: the owner is gone for good."""

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


def granted(
    timeline: Timeline | None, features: Mapping[str, FeatureTerms], at: datetime
) -> dict[str, dict[str, Any]]:
    """Return the entitlements of a document at an instant: those of one service's ``features``.

    ``until`` is set only where no other value follows: a change of the value alone is announced by
    the next document at its instant.
    """
    if timeline is None:
        return {}
    return {
        key: {
            "type": str(features[key].type),
            "value": _exact(values.to_json(segment.value)),
            "until": _written(timeline.until(key, at)),
            "trim": False,
        }
        for key, segment in timeline.at(at).items()
        if key in features
    }


def wanted(
    *,
    owner: Owner,
    entitlements: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    at: datetime,
    grace: timedelta,
) -> Mapping[str, Any] | None:
    """Return the content that the service should have at an instant; None: nothing, still.

    ``before`` is the content desired until now. There is none before the first entitlement; and
    what was suspended keeps its date of deletion, however often it is looked at.
    """
    if before is None and (owner.gone or not entitlements):
        return None
    if owner.gone:
        return _content(owner, State.DELETED, None, {})
    if entitlements:
        return _content(owner, State.ACTIVE, None, entitlements)
    if before is not None and before["state"] != State.ACTIVE:
        return before
    return _content(owner, State.SUSPENDED, _written(at + grace), {})


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


def _content(
    owner: Owner, state: State, delete_after: str | None, entitlements: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "customer": owner.customer_id,
        "subject": owner.subject_id,
        "state": str(state),
        "delete_after": delete_after,
        "entitlements": dict(entitlements),
        "blocks": [],
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
