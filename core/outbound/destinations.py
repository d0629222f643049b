"""Where a call may go. Pure: no DNS, no sockets.

A URL has exactly one reading here. Whatever two programs might read differently (a number for an
address, a backslash, a name that is not ASCII) is refused, so nothing later in the call can
understand it in another way than the check did.
"""

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, Protocol

from core.outbound.errors import DestinationRefused, Refusal

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL_LENGTH: Final = 2048
_PORTS: Final = {"http": 80, "https": 443}
_LOOPBACK6: Final = IPv6Address("::1")

# RFC 3986, without the fragment and without the characters that browsers and libraries disagree on
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<authority>(?:(?![/?#\\])[!-~])*)"
    r"(?P<target>(?:[/?][A-Za-z0-9\-._~!$&'()*+,;=:@/?%\[\]]*)?)",
    re.ASCII,
)
_AUTHORITY: Final = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>.*))?")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# What inet_aton reads as a number: decimal, octal or hex (WHATWG URL, "ends in a number")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_IPV6_TEXT: Final = re.compile(r"[0-9a-fA-F:.]+", re.ASCII)


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


# Refused whatever anybody configures.
_FORBIDDEN: Final = _networks(
    "0.0.0.0/8",  # unspecified: reaches this machine
    "169.254.0.0/16",  # link-local; the metadata address of most clouds
    "100.100.100.200/32",  # metadata: Alibaba
    "168.63.129.16/32",  # host channel: Azure
    "192.0.0.192/32",  # metadata: Oracle, older
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, broadcast
    "::/96",  # unspecified, IPv4-compatible
    "::ffff:0:0/96",  # IPv4-mapped
    "::ffff:0:0:0/96",  # IPv4-translated (SIIT)
    "64:ff9b::/96",  # NAT64
    "64:ff9b:1::/48",  # NAT64, local use
    "2001::/32",  # Teredo
    "2002::/16",  # 6to4
    "fe80::/10",  # link-local
    "fec0::/10",  # site-local
    "ff00::/8",  # multicast
    "fd00:ec2::/32",  # metadata and credentials: AWS
    "fd20:ce::/32",  # metadata: Google
    "fd00:42::42/128",  # metadata: Scaleway
    "fd00:c1::a9fe:a9fe/128",  # metadata: Oracle
)

# What the IANA special-purpose registries list as not globally reachable, beyond the above.
_NOT_PUBLIC: Final = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
)
_GLOBAL6: Final = IPv6Network("2000::/3")  # the only part of IPv6 that is given out to anybody
_LOCAL_NAMES: Final = (".localhost", ".local", ".internal", ".home.arpa")


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL that was read. ``host`` is lower case, IPv6 without brackets; ``address`` is set if the
    host is an address; ``target`` is path and query."""

    scheme: str
    host: str
    address: Address | None
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Policy(Protocol):
    """Decides where calls may go."""

    def check(self, destination: Destination) -> None:
        """Judge what can be judged without DNS.

        :raises DestinationRefused:
        """

    def check_address(self, destination: Destination, address: Address) -> None:
        """Judge one address that is about to be connected to.

        :raises DestinationRefused:
        """


@dataclass(frozen=True, slots=True)
class OperatorPolicy:
    """Only what the operator listed, for product services.

    A name must be in ``hosts`` (lower case, no addresses). An address, written in the URL or found
    behind a name, must be in ``networks``; behind a listed name it may be a public one too.
    ``allow_http_loopback`` (development) allows http, to loopback only; the loopback address
    itself must still be listed.

    :raises ValueError: if an entry of ``hosts`` is not a plain host name
    """

    hosts: frozenset[str]
    networks: tuple[Network, ...]
    allow_http_loopback: bool = False

    def __post_init__(self) -> None:
        for host in self.hosts:
            if not _is_name(host):
                raise ValueError(f"not a lower-case host name (addresses go to networks): {host!r}")

    def check(self, destination: Destination) -> None:
        if destination.scheme == "http" and not self._may_be_plain(destination):
            raise DestinationRefused(
                Refusal.SCHEME_NOT_ALLOWED, "https is needed; http only to loopback in development"
            )
        if destination.address is not None:
            self.check_address(destination, destination.address)
        elif destination.host not in self.hosts:
            raise DestinationRefused(
                Refusal.HOST_NOT_LISTED, f"the operator does not allow the host {destination.host}"
            )

    def check_address(self, destination: Destination, address: Address) -> None:
        _refuse_forbidden(address)
        if destination.scheme == "http" and not address.is_loopback:
            raise DestinationRefused(
                Refusal.SCHEME_NOT_ALLOWED, f"https is needed: {address} is not loopback"
            )
        listed = any(address in network for network in self.networks)
        if not listed and (destination.address is not None or not is_public(address)):
            raise DestinationRefused(
                Refusal.ADDRESS_NOT_LISTED, f"the operator does not allow the address {address}"
            )

    def _may_be_plain(self, destination: Destination) -> bool:
        if not self.allow_http_loopback:
            return False
        if destination.address is not None:
            return destination.address.is_loopback
        return destination.host == "localhost" or destination.host.endswith(".localhost")


@dataclass(frozen=True, slots=True)
class PublicPolicy:
    """Public addresses, https only: for destinations that people outside choose."""

    def check(self, destination: Destination) -> None:
        if destination.scheme != "https":
            raise DestinationRefused(Refusal.SCHEME_NOT_ALLOWED, "https is needed")
        if destination.address is not None:
            self.check_address(destination, destination.address)
        elif "." not in destination.host or destination.host.endswith(_LOCAL_NAMES):
            raise DestinationRefused(
                Refusal.HOST_NOT_PUBLIC, f"{destination.host} is not a public name"
            )

    def check_address(self, destination: Destination, address: Address) -> None:
        _refuse_forbidden(address)
        if not is_public(address):
            raise DestinationRefused(
                Refusal.ADDRESS_NOT_PUBLIC, f"{destination.host} is not at a public address"
            )


def check_url(url: str, policy: Policy) -> Destination:
    """Read a URL and judge it without asking DNS: the check for the moment it is saved.

    :raises DestinationRefused: with the reason
    """
    destination = _parse(url)
    policy.check(destination)
    return destination


def is_public(address: Address) -> bool:
    """Tell whether an address is reachable from anywhere (IANA special-purpose registries)."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL6:
        return False
    return not _is_forbidden(address) and not any(address in net for net in _NOT_PUBLIC)


def _is_forbidden(address: Address) -> bool:
    return address != _LOOPBACK6 and any(address in network for network in _FORBIDDEN)


def _refuse_forbidden(address: Address) -> None:
    if _is_forbidden(address):
        raise DestinationRefused(
            Refusal.ADDRESS_FORBIDDEN, f"the address {address} is never called"
        )


def _parse(url: str) -> Destination:
    match = _URL.fullmatch(url) if len(url) <= MAX_URL_LENGTH else None
    if match is None:
        raise DestinationRefused(
            Refusal.URL_MALFORMED,
            f"expected https://host/path: at most {MAX_URL_LENGTH} ASCII characters, others "
            "percent-encoded (in names: xn--), no spaces, no backslash, no fragment",
        )
    scheme = match["scheme"].lower()
    if scheme not in _PORTS:
        raise DestinationRefused(Refusal.SCHEME_NOT_ALLOWED, "https is needed")
    host, port = _split(match["authority"])
    address = _read_address(host)
    target = match["target"]
    return Destination(
        scheme=scheme,
        host=host if address is None else str(address),
        address=address,
        port=_PORTS[scheme] if port is None else port,
        target=target if target.startswith("/") else f"/{target}",
    )


def _split(authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise DestinationRefused(
            Refusal.USERINFO_NOT_ALLOWED, "a user or password in the URL is not allowed"
        )
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise DestinationRefused(Refusal.HOST_MALFORMED, "the host is malformed")
    port: str | None = match["port"]
    if port is None:
        return match["host"].lower(), None
    if _PORT.fullmatch(port) is None or int(port) > 65535:
        raise DestinationRefused(Refusal.PORT_MALFORMED, "a port is a number from 1 to 65535")
    return match["host"].lower(), int(port)


def _read_address(host: str) -> Address | None:
    """Return the address that the host is, or None for a name."""
    try:
        if host.startswith("["):
            return _read_ipv6(host[1:-1])
        if _NUMBER.fullmatch(host.rpartition(".")[2]):
            return IPv4Address(host)
    except ValueError:
        raise DestinationRefused(
            Refusal.ADDRESS_SPELLING, "an address is written like 192.0.2.1 or [2001:db8::1]"
        ) from None
    if not _is_name(host):
        raise DestinationRefused(Refusal.HOST_MALFORMED, "the host is not a plain name")
    return None


def _read_ipv6(text: str) -> IPv6Address:
    if not _IPV6_TEXT.fullmatch(text):  # the standard library would read a zone id
        raise ValueError(text)
    return IPv6Address(text)


def _is_name(host: str) -> bool:
    labels = host.split(".")
    return (
        len(host) <= 253
        and all(_LABEL.fullmatch(label) for label in labels)
        and _NUMBER.fullmatch(labels[-1]) is None
    )
