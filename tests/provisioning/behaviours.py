"""What product services do wrong, each with the problem that is recorded for it."""

import gzip
import json
import socket

from tests.provisioning.conftest import Behaviour, Given, ScriptedHandler, answers


def hangs(handler: ScriptedHandler, given: Given) -> None:
    handler.server.stopped.wait(10)


def truncates(handler: ScriptedHandler, given: Given) -> None:
    handler.reply(200, b'{"generation": 1', Content_Length="400")
    handler.close_connection = True


def never_ends(handler: ScriptedHandler, given: Given) -> None:
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.stopped.is_set():
        handler.wfile.write(b"x" * 65_536)


def drips_headers(handler: ScriptedHandler, given: Given) -> None:
    """Each byte comes well within the read limit; only the wall clock of the call ends it."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.server.stopped.wait(0.05):
        handler.wfile.write(b"x")


def drips_its_body(handler: ScriptedHandler, given: Given) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    while not handler.server.stopped.wait(0.05):
        handler.wfile.write(b" ")


def never_ends_its_headers(handler: ScriptedHandler, given: Given) -> None:
    handler.send_response(200)
    while not handler.server.stopped.is_set():
        handler.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")


def compresses(handler: ScriptedHandler, given: Given) -> None:
    document = given.document
    echo = {"generation": document["generation"], "hash": document["hash"]}
    handler.reply(200, gzip.compress(json.dumps(echo).encode()), Content_Encoding="gzip")


def slams_the_door(handler: ScriptedHandler, given: Given) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def echoes(**differently: object) -> Behaviour:
    def behave(handler: ScriptedHandler, given: Given) -> None:
        document = given.document
        echo = {"generation": document["generation"], "hash": document["hash"]}
        handler.reply(200, {**echo, **differently})

    return behave


RETRIED: list[tuple[str, Behaviour, str]] = [
    ("hangs", hangs, "timeout"),
    ("fails", answers(500, {"title": "broken"}), "answer_500"),
    ("is unavailable", answers(503), "answer_503"),
    ("limits the rate", answers(429), "answer_429"),
    ("is too early", answers(425), "answer_425"),
    ("times out itself", answers(408), "answer_408"),
    ("truncates its answer", truncates, "protocol_error"),
    ("answers without end", never_ends, "answer_too_large"),
    ("answers with endless headers", never_ends_its_headers, "protocol_error"),
    ("drips its headers", drips_headers, "timeout"),
    ("drips its body", drips_its_body, "timeout"),
    ("compresses unasked", compresses, "protocol_error"),
    ("slams the door", slams_the_door, "protocol_error"),
    ("answers no JSON", answers(200, b"<html>fine</html>"), "not_echoed"),
    ("answers another schema", answers(200, {"ok": True}), "not_echoed"),
    ("answers a list", answers(200, [1]), "not_echoed"),
    ("answers nothing", answers(200, b""), "not_echoed"),
    ("answers JSON of a web page", answers(200, b"<p>", Content_Type="text/html"), "not_echoed"),
    ("echoes another generation", echoes(generation=7), "not_echoed"),
    ("echoes the generation as text", echoes(generation="1"), "not_echoed"),
    ("echoes another hash", echoes(hash="sha256:" + "0" * 64), "not_echoed"),
    ("is still working", answers(202, {"generation": 1, "retry_after": 5}), "answer_202"),
    ("created something", answers(201, {"generation": 1}), "answer_201"),
]
REFUSED: list[tuple[str, Behaviour, str]] = [
    ("cannot apply it", answers(422, {"title": "No", "detail": "such feature"}), "answer_422"),
    ("redirects", answers(307, Location="http://127.0.0.1:1/"), "answer_307"),
    ("knows no such path", answers(404), "answer_404"),
    ("finds it malformed", answers(400), "answer_400"),
    ("conflicts with something older", answers(409, {"generation": 0}), "answer_409"),
    ("conflicts with nothing", answers(409, b"no"), "answer_409"),
]
