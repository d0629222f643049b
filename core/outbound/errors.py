"""What can go wrong with a call to the outside. No text here repeats a header, a path or a body."""

from enum import StrEnum
from typing import ClassVar

from core.errors import BadRequest


class OutboundError(Exception):
    """A call that brought no whole answer. ``code`` is stable, the detail is for people.

    ``answer_status`` is the HTTP status, if the status line was received before it went wrong: a
    410 with an endless body is still a 410.
    """

    code: ClassVar[str] = "outbound_error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.answer_status: int | None = None


class ConnectFailed(OutboundError):
    """No connection: the name does not resolve, or nothing listens there."""

    code = "connect_failed"


class TimedOut(OutboundError):
    """One of the limits in seconds passed: connect, read, or the wall clock of the whole call."""

    code = "timeout"


class TlsFailed(OutboundError):
    """The TLS handshake failed: most often a certificate that is not for this name."""

    code = "tls_failed"


class AnswerTooLarge(OutboundError):
    """The answer is longer than the limit; what was received of it is thrown away."""

    code = "answer_too_large"


class ProtocolFailed(OutboundError):
    """A connection was made, but what came back is not one whole HTTP answer."""

    code = "protocol_error"


class Refusal(StrEnum):
    """Why a destination is refused. The values are a promise to callers of the API."""

    URL_MALFORMED = "url_malformed"
    SCHEME_NOT_ALLOWED = "scheme_not_allowed"
    USERINFO_NOT_ALLOWED = "userinfo_not_allowed"
    PORT_MALFORMED = "port_malformed"
    HOST_MALFORMED = "host_malformed"
    ADDRESS_SPELLING = "address_spelling"
    ADDRESS_FORBIDDEN = "address_forbidden"
    ADDRESS_NOT_PUBLIC = "address_not_public"
    ADDRESS_NOT_LISTED = "address_not_listed"
    HOST_NOT_PUBLIC = "host_not_public"
    HOST_NOT_LISTED = "host_not_listed"


class DestinationRefused(OutboundError, BadRequest):
    """The policy does not allow to call this destination; nothing was sent.

    It is a domain error too: raised while an address is saved, it is the caller's 400.
    """

    code = "destination_refused"

    def __init__(self, reason: Refusal, detail: str) -> None:
        BadRequest.__init__(self, detail, reason=reason.value)
        self.reason = reason
        self.answer_status = None
