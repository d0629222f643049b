"""TLS of the outbound client: certificates are verified, against the name and not the address."""

import datetime
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.outbound import OperatorPolicy, OutboundClient, OutboundError
from tests.core.outbound_server import (
    LOOPBACK,
    OK,
    EvilServer,
    Visit,
    answering,
    lasting,
    serving,
)

POLICY = OperatorPolicy(
    hosts=frozenset({"crm.internal", "other.internal"}),
    networks=(ip_network("127.0.0.0/8"),),
)
DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority made for one test run."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = (
            self._builder(self.name, self.key.public_key(), days=1)
            .add_extension(constraints, critical=True)
            .sign(self.key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def server_context(
        self, folder: Path, names: Sequence[x509.GeneralName], *, days: int = 1
    ) -> ssl.SSLContext:
        """Return the TLS context of a server for these names; days < 0: expired so long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crm.internal")])
        certificate = (
            self._builder(subject, key.public_key(), days=days)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = folder / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, days: int
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 9 * DAY)
            .not_valid_after(now + days * DAY)
        )


AUTHORITY = Authority()


def client_for(authority: Authority | None = AUTHORITY) -> OutboundClient:
    trusted = None if authority is None else ssl.create_default_context(cadata=authority.pem)
    return OutboundClient(
        POLICY,
        connect_seconds=0.5,
        read_seconds=0.5,
        wall_seconds=5,
        ssl_context=trusted,
        resolve=lambda name: LOOPBACK,
    )


@contextmanager
def secured(folder: Path, *names: str, days: int = 1) -> Iterator[tuple[EvilServer, list[str]]]:
    """Serve with a certificate for these names; yield what clients named in SNI, too."""
    asked: list[str] = []
    context = AUTHORITY.server_context(folder, [x509.DNSName(name) for name in names], days=days)
    context.sni_callback = lambda connection, name, _: asked.append(str(name))
    with serving(answering(OK), tls=context) as server:
        yield server, asked


def refused(client: OutboundClient, url: str) -> tuple[str, str]:
    with client, pytest.raises(OutboundError) as caught:
        client.request("PUT", url, headers={"Authorization": "s3cret"}, body=b"document")
    return caught.value.code, caught.value.detail


def test_the_certificate_is_verified_against_the_name_at_a_pinned_address(tmp_path: Path) -> None:
    with secured(tmp_path, "crm.internal") as (server, asked), client_for() as client:
        url = f"https://crm.internal:{server.port}/"
        assert [client.request("PUT", url, body=b"x").status for _ in range(2)] == [200, 200]
        assert (asked, server.connections) == (["crm.internal"], 1)
    assert f"Host: crm.internal:{server.port}\r\n".encode() in server.requests[0]


def test_a_certificate_for_another_name_is_refused_and_nothing_is_sent(tmp_path: Path) -> None:
    with secured(tmp_path, "crm.internal", "127.0.0.1") as (server, asked):
        code, detail = refused(client_for(), f"https://other.internal:{server.port}/")
        assert (code, asked) == ("tls_failed", ["other.internal"])
        assert "other.internal" in detail
        # The address it is really at does not count, nor does an address given as a DNS name.
        assert refused(client_for(), f"https://127.0.0.1:{server.port}/")[0] == "tls_failed"
    assert server.requests == []


def test_an_address_needs_a_certificate_for_the_address(tmp_path: Path) -> None:
    names = [x509.IPAddress(ip_address("127.0.0.1"))]
    context = AUTHORITY.server_context(tmp_path, names)
    with serving(answering(OK), tls=context) as server, client_for() as client:
        assert client.request("GET", f"https://127.0.0.1:{server.port}/").status == 200


@pytest.mark.parametrize("authority", [None, Authority()], ids=["the system's", "another"])
def test_a_certificate_of_an_unknown_authority_is_refused(
    tmp_path: Path, authority: Authority | None
) -> None:
    with secured(tmp_path, "crm.internal") as (server, _):
        url = f"https://crm.internal:{server.port}/"
        assert refused(client_for(authority), url)[0] == "tls_failed"
    assert server.requests == []


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    with secured(tmp_path, "crm.internal", days=-1) as (server, _):
        code, detail = refused(client_for(), f"https://crm.internal:{server.port}/")
    assert (code, server.requests) == ("tls_failed", [])
    assert "expired" in detail


def speak_plainly(visit: Visit) -> None:
    visit.connection.recv(100)
    visit.send(OK)


def hang_up(visit: Visit) -> None:
    visit.connection.recv(100)


@pytest.mark.parametrize("behave", [speak_plainly, hang_up])
def test_a_server_without_tls_is_refused(behave: Callable[[Visit], object]) -> None:
    with serving(behave) as server:
        assert refused(client_for(), f"https://crm.internal:{server.port}/")[0] == "tls_failed"


def drip(visit: Visit, data: bytes) -> None:
    for position in range(len(data)):
        if not visit.stopped.wait(0.05):
            visit.send(data[position : position + 1])


@pytest.mark.parametrize("start", [b"", b"\x16\x03\x03\x40\x00" + bytes(99)])
def test_a_handshake_that_hangs_or_drips_counts_against_the_connect_limit(start: bytes) -> None:
    def behave(visit: Visit) -> None:
        drip(visit, start)
        visit.stopped.wait(9)

    with serving(behave) as server, lasting(0.45, 4):
        assert refused(client_for(), f"https://crm.internal:{server.port}/")[0] == "timeout"


def test_an_encrypted_record_that_drips_is_no_progress(tmp_path: Path) -> None:
    context = AUTHORITY.server_context(tmp_path, [x509.DNSName("crm.internal")])

    def behave(visit: Visit) -> None:
        received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(received, sent, server_side=True)
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                visit.send(sent.read())
                received.write(visit.connection.recv(65536))
        session.write(OK)
        drip(visit, sent.read())

    with serving(behave) as server, lasting(0.45, 4):
        assert refused(client_for(), f"https://crm.internal:{server.port}/")[0] == "timeout"


def test_a_context_that_verifies_nothing_is_not_accepted() -> None:
    careless = ssl.create_default_context()
    careless.check_hostname = False
    with pytest.raises(ValueError, match="must verify"):
        OutboundClient(POLICY, ssl_context=careless)
    careless.verify_mode = ssl.CERT_NONE
    with pytest.raises(ValueError, match="must verify"):
        OutboundClient(POLICY, ssl_context=careless)
