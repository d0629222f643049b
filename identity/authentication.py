"""Who calls: the bearer token of a request (RFC 6750), in the Authorization header only."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from core.principals import Principal
from identity import tokens
from identity.directory import DirectoryUnavailable
from identity.tokens import InvalidToken

_MAX_HEADER_CHARACTERS = 8192 + len("Bearer ")


def identify(header: str) -> Principal:
    """Return who an Authorization header stands for.

    :raises InvalidToken: for another scheme, no token, more than one, or one that is not valid
    :raises DirectoryUnavailable: 15 minutes after the database was last reached
    """
    if len(header) > _MAX_HEADER_CHARACTERS:
        raise InvalidToken("the access token is not valid")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise InvalidToken("send one access token: Authorization: Bearer …")
    return tokens.verify(token)


class BearerToken(BaseAuthentication):
    """Tells DRF who calls. Without the header nobody does, and the view decides about that."""

    problems = (InvalidToken, DirectoryUnavailable)  # for the API's description

    def authenticate(self, request: Request) -> tuple[None, Principal] | None:
        """:raises InvalidToken, DirectoryUnavailable: as ``identify``"""
        header = request.META.get("HTTP_AUTHORIZATION")
        return None if header is None else (None, identify(header))

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
