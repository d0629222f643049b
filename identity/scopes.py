"""What a client may be given: scopes that exist, and that keep to what it is limited to. Pure."""

from collections.abc import Iterable

from core.errors import BadRequest
from core.principals import Scope

# Only with these does everything that a client does stay within one product service. The database
# holds clients to it, too.
SERVICE_SCOPES = (
    Scope.ENTITLEMENTS_CHECK,
    Scope.ENTITLEMENTS_READ,
    Scope.USAGE_CONSUME,
    Scope.USAGE_REPORT,
    Scope.PROVISIONING_READ,
    Scope.PROVISIONING_WRITE,
)


class UnknownScope(BadRequest):
    """There is no such scope."""

    code = "unknown_scope"


class NoScope(BadRequest):
    """A client that may do nothing is of no use."""

    code = "no_scope"


class ScopeBeyondService(BadRequest):
    """A client that is limited to a product service cannot have this scope: it reaches further."""

    code = "scope_beyond_service"


def checked(scopes: Iterable[str], *, product_service: str | None) -> list[str]:
    """Return a client's scopes in order, each once.

    :raises UnknownScope, NoScope: if one does not exist, or there is none
    :raises ScopeBeyondService: if one reaches further than the service the client is limited to
    """
    known = {str(scope) for scope in Scope}
    names = sorted({str(scope) for scope in scopes})
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UnknownScope(f"no scope {unknown[0]}; there are {', '.join(sorted(known))}")
    if not names:
        raise NoScope("name at least one scope")
    beyond = [name for name in names if name not in SERVICE_SCOPES]
    if beyond and product_service is not None:
        raise ScopeBeyondService(
            f"a client of one product service cannot have {beyond[0]}, only"
            f" {', '.join(SERVICE_SCOPES)}"
        )
    return names
