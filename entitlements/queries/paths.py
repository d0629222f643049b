"""Whose answer it is, and whether the caller may see it."""

from core.principals import Principal
from customers.services import SubjectNotFound
from customers.turns import CustomerNotFound
from entitlements import reader
from entitlements.reader import Asked, Path


def path_of(asked: Asked, principal: Principal) -> Path:
    """Read an owner's path with whole timelines.

    :raises OwnerRequired: if nothing says whose
    :raises CustomerNotFound, SubjectNotFound: also for what the caller may not see
    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    path = reader.read(asked, None)
    require_visible(path, asked, principal)
    return path


def require_visible(path: Path, asked: Asked, principal: Principal) -> None:
    """Let another tenant's owner look exactly like one that does not exist.

    :raises CustomerNotFound, SubjectNotFound: whichever was asked for
    """
    if principal.customer_id not in (None, path.customer_id):
        raise reader.not_found(SubjectNotFound if asked.customer is None else CustomerNotFound)
