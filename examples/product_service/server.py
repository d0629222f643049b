"""The contract over HTTP."""

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from examples.product_service import documents, pages, signing
from examples.product_service.store import Held, Stale, Store

MOST_BYTES = 1024 * 1024
IDLE_SECONDS = 30
MOST_PER_PAGE = 200
_ONE_TARGET = re.compile(r"/provisioning/(tgt_[0-9a-z]{26})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reply:
    status: HTTPStatus
    body: bytes
    content_type: str = "application/json"
    allow: str = ""


class Problem(Exception):
    """A refusal as problem+json (RFC 9457)."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.reply = Reply(
            status,
            _json({"title": status.phrase, "status": status.value, "code": code, "detail": detail}),
            "application/problem+json",
        )


class ProductService(ThreadingHTTPServer):
    """The server, what it holds, and the secrets it trusts.

    ``name`` is the service's key in the catalog: documents for another one are refused. Without a
    name all are taken.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], *, store: Store, secrets: Sequence[str], name: str = ""
    ) -> None:
        """:raises ValueError: if a secret cannot be one, or there is none"""
        signing.check_secrets(secrets)
        self.store = store
        self.secrets = tuple(secrets)
        self.name = name
        super().__init__(address, Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news; what else fails is."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "product-service"
    sys_version = ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    server: ProductService

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def do_POST(self) -> None:
        self._answer(self._refuse_method)

    def do_PATCH(self) -> None:
        self._answer(self._refuse_method)

    def do_DELETE(self) -> None:
        self._answer(self._refuse_method)

    def _get(self) -> Reply:
        url = urlsplit(self.path)
        answers: dict[str, Callable[[str], Reply]] = {
            "/": self._page,
            "/held": self._held,
            "/provisioning": self._list,
        }
        if url.path in answers:
            return answers[url.path](url.query)
        held = self.server.store.get(self._target())
        if held is None:
            raise Problem(HTTPStatus.NOT_FOUND, "target_not_held", "no such target is held")
        return Reply(HTTPStatus.OK, _json(_echo(held)))

    def _put(self) -> Reply:
        target = self._target()
        body = self._body()
        try:
            signing.verify(body, self.headers, self.server.secrets)
        except signing.NotSigned as error:
            raise Problem(HTTPStatus.UNAUTHORIZED, "not_signed", str(error)) from None
        try:
            form = documents.read_json(body)
        except documents.NotJson as error:
            raise Problem(HTTPStatus.BAD_REQUEST, "not_json", str(error)) from None
        try:
            document = documents.parse(form)
            self._check_meant_for_us(document, target)
        except documents.CannotApply as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, error.detail) from None
        try:
            held = self.server.store.apply(form, document, at=_now())
        except Stale as stale:
            return Reply(HTTPStatus.CONFLICT, _json({"generation": stale.generation}))
        except OSError as error:  # not kept, so not applied: the sender tries again
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not_kept", str(error)) from None
        return Reply(HTTPStatus.OK, _json(_echo(held)))

    def _check_meant_for_us(self, document: documents.Document, target: str) -> None:
        if document.target != target:
            raise documents.CannotApply("wrong_target", "the document is of another target")
        if self.server.name and document.service != self.server.name:
            raise documents.CannotApply("wrong_service", f"this is {self.server.name}")

    def _page(self, query: str) -> Reply:
        name = self.server.name or "Sample product service"
        html = pages.held_as_html(self.server.store.all(), _now(), name=name)
        return Reply(HTTPStatus.OK, html.encode(), "text/html; charset=utf-8")

    def _held(self, query: str) -> Reply:
        return Reply(HTTPStatus.OK, _json(pages.held_as_json(self.server.store.all(), _now())))

    def _list(self, query: str) -> Reply:
        """Answer all targets a page at a time, for finding what should not be here."""
        asked = parse_qs(query, keep_blank_values=True)
        limit = asked.get("limit", [str(MOST_PER_PAGE)])[-1]
        if not re.fullmatch("[1-9][0-9]{0,2}", limit, re.ASCII) or int(limit) > MOST_PER_PAGE:
            raise Problem(
                HTTPStatus.BAD_REQUEST, "malformed_limit", f"limit is from 1 to {MOST_PER_PAGE}"
            )
        after = asked.get("after", [""])[-1]
        rows = self.server.store.page(after=after, limit=int(limit) + 1)
        shown = rows[: int(limit)]
        following = shown[-1].document.target if len(rows) > len(shown) else None
        data = [{"target": each.document.target, **_echo(each)} for each in shown]
        return Reply(HTTPStatus.OK, _json({"data": data, "next_after": following}))

    def _refuse_method(self) -> Reply:
        allow = "GET, PUT" if _ONE_TARGET.fullmatch(self.path) else "GET"
        problem = Problem(
            HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", f"only {allow} is possible here"
        ).reply
        return Reply(problem.status, problem.body, problem.content_type, allow)

    def _target(self) -> str:
        match = _ONE_TARGET.fullmatch(self.path)
        if match is None:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", "there is nothing here")
        return match[1]

    def _body(self) -> bytes:
        """Read the body: of a stated length, and not more than we can hold."""
        length = self.headers.get("content-length", "")
        if not re.fullmatch("[0-9]{1,12}", length, re.ASCII) or "transfer-encoding" in self.headers:
            raise Problem(
                HTTPStatus.LENGTH_REQUIRED, "length_required", "send the body with its length"
            )
        if int(length) > MOST_BYTES:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"at most {MOST_BYTES} bytes"
            )
        if self.headers.get_content_type() != "application/json":
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_json", "send application/json")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionError("the client went away")
        self._unread = False
        return body

    def _answer(self, work: Callable[[], Reply]) -> None:
        # A request whose body was not read leaves its bytes in the way of the next one.
        self._unread = "content-length" in self.headers or "transfer-encoding" in self.headers
        try:
            reply = work()
        except Problem as problem:
            reply = problem.reply
        self.close_connection = self.close_connection or self._unread
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        headers = {
            "Content-Type": reply.content_type,
            "Content-Length": str(len(reply.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        }
        if reply.allow:
            headers["Allow"] = reply.allow
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {reply.status.value} {reply.status.phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join(lines) + "\r\n\r\n"
        self.wfile.write(head.encode("ascii") + reply.body)  # one packet, where it fits
        self.log_request(reply.status.value)

    def log_message(self, format: str, *args: Any) -> None:
        """Log one line per request; the path is untrusted, so it is written escaped."""
        line = (format % args).encode("unicode_escape").decode("ascii")
        sys.stderr.write(f"{_now():%Y-%m-%d %H:%M:%S} {line}\n")


def _echo(held: Held) -> dict[str, Any]:
    return {"generation": held.document.generation, "hash": held.document.hash}


def _json(form: Any) -> bytes:
    return json.dumps(form).encode()


def _now() -> datetime:
    return datetime.now(UTC)
