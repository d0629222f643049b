"""Whose answer it is, and whether the caller may see it."""

from core.principals import Principal
from entitlements import reader
from entitlements.reader import Asked, Path


def path_of(asked: Asked, principal: Principal) -> Path:
    """Read an owner's path with whole timelines.

    :raises OwnerRequired: if nothing says whose
    :raises CustomerNotFound, SubjectNotFound: also for what the caller may not see
    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    return reader.read(asked, None, seen_by=principal)
