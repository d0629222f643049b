"""The only way out of this system over HTTP: one transport, two policies.

``OperatorPolicy`` is for the product services that an operator configured, ``PublicPolicy`` for
addresses that people outside type in. The explanation is docs/explanation/outbound-calls.md.
"""

from core.outbound.client import Answer, OutboundClient
from core.outbound.destinations import (
    Destination,
    OperatorPolicy,
    Policy,
    PublicPolicy,
    check_url,
)
from core.outbound.errors import (
    AnswerTooLarge,
    ConnectFailed,
    DestinationRefused,
    OutboundError,
    ProtocolFailed,
    Refusal,
    TimedOut,
    TlsFailed,
)

__all__ = [
    "Answer",
    "AnswerTooLarge",
    "ConnectFailed",
    "Destination",
    "DestinationRefused",
    "OperatorPolicy",
    "OutboundClient",
    "OutboundError",
    "Policy",
    "ProtocolFailed",
    "PublicPolicy",
    "Refusal",
    "TimedOut",
    "TlsFailed",
    "check_url",
]
