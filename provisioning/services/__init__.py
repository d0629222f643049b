"""What this app does to its own rows: plan targets, claim and record deliveries, operate services.

One file per verb; callers import what they need from here.
"""

from provisioning.services.configuring import (
    SecretNotFound,
    ServiceNotConfigured,
    ServiceNotFound,
    ServiceUrlMissing,
    ServiceUrlNotABase,
    TooManySecrets,
    add_secret,
    configure_service,
    disable_service,
    pause_service,
    resume_service,
    revoke_secret,
)
from provisioning.services.operating import (
    TargetNotFound,
    clean_up,
    resync,
    resync_service,
    retry_dead_letters,
)
from provisioning.services.planning import plan_targets, replan_service
from provisioning.signatures import MalformedSecret

__all__ = [
    "MalformedSecret",
    "SecretNotFound",
    "ServiceNotConfigured",
    "ServiceNotFound",
    "ServiceUrlMissing",
    "ServiceUrlNotABase",
    "TargetNotFound",
    "TooManySecrets",
    "add_secret",
    "clean_up",
    "configure_service",
    "disable_service",
    "pause_service",
    "plan_targets",
    "replan_service",
    "resume_service",
    "resync",
    "resync_service",
    "retry_dead_letters",
    "revoke_secret",
]
