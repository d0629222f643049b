"""Who may call a view: everybody where it is public, else a known caller with its scope.

Apart from the views, because DRF loads this class while it is still loading its own views.
"""

from typing import Any

from rest_framework.permissions import BasePermission

from core.errors import Unauthorized
from core.principals import Principal


class NotAuthenticated(Unauthorized):
    """The request carries no access token."""

    code = "not_authenticated"


class HasScope(BasePermission):
    """Ask the view's ``scopes`` what its method needs; HEAD needs what GET needs."""

    def has_permission(self, request: Any, view: Any) -> bool:
        """:raises NotAuthenticated, ScopeMissing: 401 and 403"""
        if getattr(view, "public", False) or request.method == "OPTIONS":
            return True
        if not isinstance(request.auth, Principal):
            raise NotAuthenticated("send an access token: Authorization: Bearer …")
        method = "GET" if request.method == "HEAD" else request.method
        scope = view.scopes.get(method)
        if scope is not None:
            request.auth.require(scope)
        return True
