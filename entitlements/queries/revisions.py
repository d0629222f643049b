"""Customers' revisions, and the tokens that ask for answers at least as new."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings

from core import ids
from core.errors import BadRequest, Conflict, Unavailable
from core.principals import Principal
from entitlements import tokens
from entitlements.models import CustomerRevision
from entitlements.queries.paths import path_of
from entitlements.reader import NO_REVISION, Asked, Path
from entitlements.tokens import Revision


class RevisionTokenOfAnother(BadRequest):
    """The revision token says nothing about the customer that is asked about."""

    code = "revision_token_of_another_customer"


class RevisionUnknown(Conflict):
    """The token is ahead of the database, which was restored from a backup: drop the token."""

    code = "revision_unknown"


class RevisionUnavailable(Unavailable):
    """No answer as new as the token could be had within half a second."""

    code = "revision_unavailable"


def revision_token(customer_ids: Sequence[str]) -> str:
    """Return the token of customers' revisions as the current transaction sees them."""
    known = {
        row.customer_id: Revision(row.epoch, row.revision)
        for row in CustomerRevision.objects.filter(pk__in=customer_ids)
    }
    return tokens.token(
        {ids.decode(each, prefix="cus"): known.get(each, NO_REVISION) for each in customer_ids},
        _key(),
    )


def token_of(*, customer: str, principal: Principal) -> dict[str, Any]:
    """Return a customer's revision, and its token.

    :raises CustomerNotFound: also for a customer the caller may not see
    """
    path = path_of(Asked(customer), principal)
    return {
        "customer": path.customer_id,
        "epoch": path.revision.epoch,
        "revision": path.revision.number,
        "token": tokens.token({ids.decode(path.customer_id, prefix="cus"): path.revision}, _key()),
    }


def parse(token: str) -> dict[UUID, Revision]:
    """Read a token.

    :raises MalformedRevisionToken: if it is not one of ours
    """
    return tokens.parse(token, _key())


def require_at_least(path: Path, floor: Mapping[UUID, Revision]) -> None:
    """Check that an answer from this path is as new as was asked for.

    :raises RevisionTokenOfAnother: if the token is about other customers only
    :raises RevisionUnknown: if it is ahead of the database
    """
    wanted = floor.get(ids.decode(path.customer_id, prefix="cus"))
    if wanted is None:
        raise RevisionTokenOfAnother("the revision token is not of this customer")
    if wanted > path.revision:
        raise RevisionUnknown("this revision is not known; drop the token and ask again")


@cache
def _key() -> bytes:
    return tokens.key_from(str(settings.SECRET_KEY))
