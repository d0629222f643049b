"""Who calls the small API of ``api_front_door``."""

from typing import Any

from rest_framework.authentication import BaseAuthentication

from core.errors import Unauthorized
from core.principals import Principal, Scope


class TokenRefused(Unauthorized):
    """The token is not known here."""

    code = "token_refused"


EVERYTHING = frozenset(Scope)


class Tokens(BaseAuthentication):
    """``Bearer all``, ``Bearer reader``, ``Bearer <customer id>``."""

    problems = (TokenRefused,)

    def authenticate(self, request: Any) -> Any:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        token = header.removeprefix("Bearer ")
        if token in ("all", "other"):
            return None, Principal(token, "client", EVERYTHING)
        if token == "reader":
            return None, Principal("reader", "client", frozenset({Scope.CUSTOMERS_READ}))
        if token.startswith("cus_"):
            return None, Principal(token, "user", EVERYTHING, customer_id=token)
        raise TokenRefused("this token is not known here")
