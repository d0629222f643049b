"""Reads: whether something may be used now, what owners hold and why, and their revisions."""

from entitlements.queries.checks import SubjectRequired, check, check_many
from entitlements.queries.held import entitlements, explain
from entitlements.queries.revisions import (
    RevisionTokenOfAnother,
    RevisionUnavailable,
    RevisionUnknown,
    revision_token,
    token_of,
)
from entitlements.queries.stored import timelines, value_at

__all__ = [
    "RevisionTokenOfAnother",
    "RevisionUnavailable",
    "RevisionUnknown",
    "SubjectRequired",
    "check",
    "check_many",
    "entitlements",
    "explain",
    "revision_token",
    "timelines",
    "token_of",
    "value_at",
]
