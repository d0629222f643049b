"""The names that views are made of.

DRF loads ``HasScope`` while it is still loading its own views, so what builds on those is loaded
at its first use.
"""

from typing import TYPE_CHECKING, Any

from core.api.permissions import HasScope

if TYPE_CHECKING:
    from core.api.base import ApiRequest, ApiView

__all__ = ["ApiRequest", "ApiView", "HasScope"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"core.api.views has no {name}")
    from core.api import base

    return getattr(base, name)
