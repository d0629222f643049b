"""Who calls, and what they may do. ``identity`` finds out who; everybody asks here what."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.errors import Forbidden


class Scope(StrEnum):
    """What a caller may be allowed to do, one scope per function."""

    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    SUBSCRIPTIONS_READ = "subscriptions:read"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    SUBSCRIPTIONS_OVERRIDE = "subscriptions:override"
    BLOCKS_WRITE = "blocks:write"
    PAYMENTS_WRITE = "payments:write"
    CREDITS_WRITE = "credits:write"
    CHANGES_READ = "changes:read"
    CHANGES_WRITE = "changes:write"
    CHANGES_APPROVE = "changes:approve"
    ENTITLEMENTS_READ = "entitlements:read"
    ENTITLEMENTS_CHECK = "entitlements:check"
    USAGE_CONSUME = "usage:consume"
    USAGE_REPORT = "usage:report"
    OVERRIDES_WRITE = "overrides:write"
    OVERRIDES_APPROVE = "overrides:approve"
    PROVISIONING_READ = "provisioning:read"
    PROVISIONING_WRITE = "provisioning:write"
    CLOCKS_WRITE = "clocks:write"
    EVENTS_READ = "events:read"


class ScopeMissing(Forbidden):
    """The caller's token does not carry the scope that this needs."""

    code = "scope_missing"


class FieldNotAllowed(Forbidden):
    """A field of the request needs a scope that the caller's token does not carry."""

    code = "field_not_allowed"


class LimitedCaller(Forbidden):
    """The caller is limited to one customer, and this concerns more than that customer."""

    code = "limited_caller"


@dataclass(frozen=True, slots=True)
class Principal:
    """A known caller. ``customer_id`` limits it to one customer, ``product_service`` to the
    features of one service; None means no such limit."""

    id: str
    kind: str
    scopes: frozenset[Scope]
    customer_id: str | None = None
    product_service: str | None = None

    @property
    def actor(self) -> str:
        """The name under which this caller's writes are kept."""
        return f"{self.kind}:{self.id}"

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def require(self, scope: Scope) -> None:
        """:raises ScopeMissing: naming the scope"""
        if not self.may(scope):
            raise ScopeMissing(f"this needs the scope {scope}", scope=str(scope))

    def require_unlimited(self) -> None:
        """:raises LimitedCaller: if the caller is limited to one customer"""
        if self.customer_id is not None:
            raise LimitedCaller("this is not for a caller that is limited to one customer")

    def require_for_fields(self, scope: Scope, fields: Iterable[str]) -> None:
        """Refuse fields that need a scope the caller lacks.

        :raises FieldNotAllowed: naming the first such field in alphabetical order
        """
        for name in sorted(fields):
            if not self.may(scope):
                raise FieldNotAllowed(
                    f"the field {name} needs the scope {scope}", field=name, scope=str(scope)
                )
