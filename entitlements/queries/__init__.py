"""Reads: whether something may be used now, what owners hold and why, what would be otherwise, and
their revisions."""

from entitlements.queries.checks import FeatureOfCustomer, SubjectRequired, check, check_many
from entitlements.queries.comparing import NotSubscribed, Supposed, diff, simulate
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
    "FeatureOfCustomer",
    "NotSubscribed",
    "RevisionTokenOfAnother",
    "RevisionUnavailable",
    "RevisionUnknown",
    "SubjectRequired",
    "Supposed",
    "check",
    "check_many",
    "diff",
    "entitlements",
    "explain",
    "revision_token",
    "simulate",
    "timelines",
    "token_of",
    "value_at",
]
