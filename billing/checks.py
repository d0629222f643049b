"""All invariants of all apps, in the order of the apps."""

from changes import invariants as changes
from core import invariants as core
from customers import invariants as customers
from entitlements import invariants as entitlements
from identity import invariants as identity
from invoicing import invariants as invoicing
from plans import invariants as plans
from provisioning import invariants as provisioning
from subscriptions import invariants as subscriptions
from usage import invariants as usage

INVARIANTS = (
    *core.INVARIANTS,
    *customers.INVARIANTS,
    *plans.INVARIANTS,
    *identity.INVARIANTS,
    *subscriptions.INVARIANTS,
    *usage.INVARIANTS,
    *entitlements.INVARIANTS,
    *invoicing.INVARIANTS,
    *provisioning.INVARIANTS,
    *changes.INVARIANTS,
)
