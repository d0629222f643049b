"""What no longer serves anybody is removed, once an hour."""

from core import acting, clock
from core.api import idempotency
from identity import services as identity
from provisioning import services as provisioning
from usage import services as usage


def clean_up() -> int:
    """Remove old idempotency keys, retired keys and tokens, old delivery attempts, and the
    identifiers of use that cannot come again.

    Returns 0: whatever was found, the next look is an hour away.
    """
    now = clock.system_now()
    with acting.acting_as("system:clean-up"):
        idempotency.clean_up(now)
        identity.clean_up(now=now)
        provisioning.clean_up(now=now)
        usage.clean_up(now=now)
    return 0
