"""Where a target stands: from its row to a plain value and back."""

from dataclasses import asdict, fields

from provisioning.models import Target
from provisioning.transitions import Standing

COLUMNS = tuple(each.name for each in fields(Standing))


def standing_of(target: Target) -> Standing:
    """Return where a target stands."""
    return Standing(**{name: getattr(target, name) for name in COLUMNS})


def put_standing(target: Target, standing: Standing) -> None:
    """Let a row say where its target stands; the caller writes it."""
    for name, value in asdict(standing).items():
        setattr(target, name, value)
