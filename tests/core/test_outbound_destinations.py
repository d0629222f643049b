"""Which URLs and addresses may be called. Nothing here touches the network."""

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import DomainError
from core.outbound import (
    DestinationRefused,
    OperatorPolicy,
    OutboundError,
    Policy,
    PublicPolicy,
    Refusal,
    check_url,
)
from core.outbound.destinations import is_public

PUBLIC = PublicPolicy()
EVERYTHING = (ip_network("0.0.0.0/0"), ip_network("::/0"))
OPERATOR = OperatorPolicy(
    hosts=frozenset({"crm.internal", "api.example.com", "localhost", "my_service"}),
    networks=(ip_network("10.1.0.0/16"), ip_network("127.0.0.0/8"), ip_network("fd12::/16")),
)
DEVELOPMENT = OperatorPolicy(
    hosts=frozenset({"crm.internal", "localhost", "crm.localhost"}),
    networks=(*OPERATOR.networks, ip_network("::1/128")),
    allow_http_loopback=True,
)
RECKLESS = OperatorPolicy(
    hosts=frozenset({"a.example"}), networks=EVERYTHING, allow_http_loopback=True
)


def refusal(url: str, policy: Policy) -> Refusal | None:
    try:
        check_url(url, policy)
    except DestinationRefused as error:
        return error.reason
    return None


# Never called, in the one spelling of an address that is read
FORBIDDEN = """
169.254.169.254 169.254.0.1 0.0.0.0 0.1.2.3 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
100.100.100.200 168.63.129.16 192.0.0.192 [::] [0:0:0:0:0:0:0:0] [fe80::1] [FEBF::1] [fec0::1]
[ff02::1] [fd00:ec2::254] [fd00:0ec2:0::0254] [fd00:ec2::23] [fd20:ce::254] [fd00:42::42]
[fd00:c1::a9fe:a9fe] [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:127.0.0.1]
[::ffff:8.8.8.8] [::169.254.169.254] [::7f00:1] [::2] [::ffff:0:127.0.0.1]
[64:ff9b::169.254.169.254] [64:ff9b::a9fe:a9fe] [64:ff9b:1::a9fe:a9fe] [64:ff9b:1:ffff::1]
[2002:a9fe:a9fe::] [2002:7f00:1::1] [2001:0:a9fe:a9fe::1]
"""
# What a resolver, or somebody else's reader, would take for an address
NUMBERS = """
2852039166 0xa9fea9fe 0XA9FEA9FE 025177524776 0xa9.0xfe.0xa9.0xfe 0251.0376.0251.0376
169.254.43518 169.16689662 169.254.169.0xfe 169.254.169.0376 169.254.169.254.1 0169.254.169.254
127.1 127.0.1 127.0.0.01 0x7f.1 0x7f.0.0.0x1 017700000001 2130706433 0 0x 256.256.256.256 4294967296
99999999999999999999 a.example.1 %31%36%39.254.169.254 [fe80::1%25eth0] [fe80::1%eth0] [::1%1]
[1.2.3.4] [] [:::1] [v1.fe80::a] [::ffff:169.254.169.0376]
"""
NOT_HOSTS = """
169.254.169.254. 127.0.0.1. 2852039166. localhost. a.example. .a.example a..example
%6c%6f%63alhost 127.0.0.1%00.example.com [::1 [::1]a [[::1]] :443 -a.example a-.example
a,b.example a;b.example *.example
"""
NOT_PORTS = """
a.example: a.example:0 a.example:65536 a.example:99999999999 a.example:-1 a.example:+443
a.example:0443 a.example:4_3 a.example:https a.example:80:443 ::1 ::1]
"""
USERINFO = """
user@a.example user:password@a.example @a.example a.example@169.254.169.254 a.example:80@127.0.0.1
"""
NOT_PLAIN = [
    "\uff11\uff16\uff19.\uff12\uff15\uff14.\uff11\uff16\uff19.\uff12\uff15\uff14",
    "①②⑦.⓪.⓪.①",
    "169。254。169。254",
    "169\uff0e254\uff0e169\uff0e254",
    "169\uff61254\uff61169\uff61254",
    "١٦٩.٢٥٤.١٦٩.٢٥٤",
    "ⓛocalhost",
    "bücher.example",
    "faß.example",
    "a\u200d.example",
    "a\u00ad.example",
    "a.example\u00a0",
    "a.example:\uff14\uff14\uff13",
    "a.example\x00",
    "a.example\x7f",
    "a.example\t",
    "a.ex\nample",
    "a.example\r\n",
    " a.example",
    "a.example ",
    "127.0.0.1 a.example",
    "a.example\\",
    "127.0.0.1\\@a.example",
]
SPELLINGS = {
    "address_forbidden": FORBIDDEN.split(),
    "address_spelling": NUMBERS.split(),
    "host_malformed": [*NOT_HOSTS.split(), "", "a" * 64 + ".example", ".".join(["a" * 60] * 5)],
    "port_malformed": NOT_PORTS.split(),
    "userinfo_not_allowed": USERINFO.split(),
    "url_malformed": NOT_PLAIN,
}


@pytest.mark.parametrize("policy", [PUBLIC, RECKLESS], ids=["public", "everything listed"])
@pytest.mark.parametrize(
    ("host", "reason"), [(host, reason) for reason, hosts in SPELLINGS.items() for host in hosts]
)
def test_no_spelling_gets_past_either_policy(policy: Policy, host: str, reason: str) -> None:
    assert refusal(f"https://{host}/hook", policy) == reason


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://hooks.example.com/in?a=b&c=%20", None),
        ("HTTPS://Hooks.Example.COM", None),
        ("https://hooks.example.com?x", None),
        ("https://xn--bcher-kva.example:8443/", None),
        ("https://8.8.8.8/", None),
        ("https://[2606:4700::1111]/", None),
        ("https://0x7f.example.com/", None),
        ("https://1.example/", None),
        ("http://hooks.example.com/", "scheme_not_allowed"),
        ("http://127.0.0.1/", "scheme_not_allowed"),
        ("ftp://hooks.example.com/", "scheme_not_allowed"),
        ("file:///etc/passwd", "scheme_not_allowed"),
        ("gopher://hooks.example.com:70/_x", "scheme_not_allowed"),
        ("//hooks.example.com/", "url_malformed"),
        ("hooks.example.com", "url_malformed"),
        ("https:hooks.example.com", "url_malformed"),
        ("https:/hooks.example.com", "url_malformed"),
        ("https:\\\\hooks.example.com", "url_malformed"),
        ("https://hooks.example.com/#top", "url_malformed"),
        ("https://hooks.example.com/a b", "url_malformed"),
        ("https://hooks.example.com/é", "url_malformed"),
        ("https://hooks.example.com/\r\nHost: a", "url_malformed"),
        ("https://hooks.example.com/\\..\\", "url_malformed"),
        ("https://hooks.example.com\\@169.254.169.254/", "url_malformed"),
        (" https://hooks.example.com/", "url_malformed"),
        ("", "url_malformed"),
        ("https://hooks.example.com/" + "a" * 2022, None),
        ("https://hooks.example.com/" + "a" * 2023, "url_malformed"),
        ("https:///hook", "host_malformed"),
        ("https://localhost/", "host_not_public"),
        ("https://LOCALHOST:8000/", "host_not_public"),
        ("https://crm/", "host_not_public"),
        ("https://a.localhost/", "host_not_public"),
        ("https://printer.local/", "host_not_public"),
        ("https://metadata.google.internal/", "host_not_public"),
        ("https://nas.home.arpa/", "host_not_public"),
        ("https://127.0.0.1/", "address_not_public"),
        ("https://127.8.9.10/", "address_not_public"),
        ("https://10.0.0.1/", "address_not_public"),
        ("https://172.16.0.1/", "address_not_public"),
        ("https://172.31.255.255/", "address_not_public"),
        ("https://172.32.0.1/", None),
        ("https://192.168.1.1/", "address_not_public"),
        ("https://100.64.0.1/", "address_not_public"),
        ("https://198.18.0.1/", "address_not_public"),
        ("https://192.0.2.1/", "address_not_public"),
        ("https://198.51.100.1/", "address_not_public"),
        ("https://203.0.113.9/", "address_not_public"),
        ("https://192.0.0.8/", "address_not_public"),
        ("https://192.88.99.1/", "address_not_public"),
        ("https://[::1]/", "address_not_public"),
        ("https://[0:0:0:0:0:0:0:1]/", "address_not_public"),
        ("https://[fd12::1]/", "address_not_public"),
        ("https://[fc00::1]/", "address_not_public"),
        ("https://[2001:db8::1]/", "address_not_public"),
        ("https://[2001:10::1]/", "address_not_public"),
        ("https://[3fff::1]/", "address_not_public"),
        ("https://[100::1]/", "address_not_public"),
        ("https://[4000::1]/", "address_not_public"),
    ],
)
def test_webhooks_go_to_public_https_only(url: str, reason: str | None) -> None:
    assert refusal(url, PUBLIC) == reason


@pytest.mark.parametrize(
    ("url", "production", "development"),
    [
        ("https://crm.internal/p", None, None),
        ("https://CRM.internal:8443/p", None, None),
        ("https://evil.crm.internal/p", "host_not_listed", "host_not_listed"),
        ("https://crm.internal.evil.example/p", "host_not_listed", "host_not_listed"),
        ("https://10.1.2.3/", None, None),
        ("https://10.2.2.3/", "address_not_listed", "address_not_listed"),
        ("https://8.8.8.8/", "address_not_listed", "address_not_listed"),
        ("https://[fd12::7]/", None, None),
        ("https://[fd13::7]/", "address_not_listed", "address_not_listed"),
        ("https://[::1]/", "address_not_listed", None),
        ("https://127.0.0.1/", None, None),
        ("http://127.0.0.1:8000/", "scheme_not_allowed", None),
        ("http://localhost:8000/", "scheme_not_allowed", None),
        ("http://crm.localhost/", "scheme_not_allowed", None),
        ("http://other.localhost/", "scheme_not_allowed", "host_not_listed"),
        ("http://[::1]:8000/", "scheme_not_allowed", None),
        ("http://10.1.2.3/", "scheme_not_allowed", "scheme_not_allowed"),
        ("http://crm.internal/", "scheme_not_allowed", "scheme_not_allowed"),
        ("ftp://127.0.0.1/", "scheme_not_allowed", "scheme_not_allowed"),
    ],
)
def test_product_services_are_only_what_the_operator_listed(
    url: str, production: str | None, development: str | None
) -> None:
    assert (refusal(url, OPERATOR), refusal(url, DEVELOPMENT)) == (production, development)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("10.1.2.3", None),
        ("10.2.2.3", "address_not_listed"),
        ("192.168.1.1", "address_not_listed"),
        ("8.8.8.8", None),
        ("2606:4700::1111", None),
        ("::1", "address_not_listed"),
        ("169.254.169.254", "address_forbidden"),
        ("fe80::1%3", "address_forbidden"),
        ("::ffff:10.1.2.3", "address_forbidden"),
        ("64:ff9b::808:808", "address_forbidden"),
    ],
)
def test_a_listed_name_may_lead_to_listed_or_public_addresses(
    address: str, reason: str | None
) -> None:
    destination = check_url("https://crm.internal/", OPERATOR)
    try:
        OPERATOR.check_address(destination, ip_address(address))
        met = None
    except DestinationRefused as error:
        met = error.reason
    assert met == reason


def test_plain_http_to_localhost_is_refused_when_the_name_leads_elsewhere() -> None:
    destination = check_url("http://localhost:8000/", DEVELOPMENT)
    with pytest.raises(DestinationRefused) as refused:
        DEVELOPMENT.check_address(destination, ip_address("10.1.2.3"))
    assert refused.value.reason is Refusal.SCHEME_NOT_ALLOWED


@pytest.mark.parametrize(
    "host", ["10.1.2.3", "CRM.internal", "crm.internal.", "*", "", "::1", "a b"]
)
def test_a_host_that_could_never_match_is_a_mistake_in_the_configuration(host: str) -> None:
    with pytest.raises(ValueError, match="not a lower-case host name"):
        OperatorPolicy(hosts=frozenset({host}), networks=())


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "authority"),
    [
        ("https://Api.Example.COM", "api.example.com", 443, "/", "api.example.com"),
        ("https://api.example.com:443/a", "api.example.com", 443, "/a", "api.example.com"),
        ("https://api.example.com:444?q=1", "api.example.com", 444, "/?q=1", "api.example.com:444"),
        ("https://[2606:4700:0::1]/", "2606:4700::1", 443, "/", "[2606:4700::1]"),
        ("https://[2606:4700::1]:9/", "2606:4700::1", 9, "/", "[2606:4700::1]:9"),
        ("https://a.example/../x//y;z", "a.example", 443, "/../x//y;z", "a.example"),
    ],
)
def test_a_url_is_read_in_one_way(
    url: str, host: str, port: int, target: str, authority: str
) -> None:
    read = check_url(url, PUBLIC)
    assert (read.host, read.port, read.target, read.authority) == (host, port, target, authority)


def test_a_refusal_is_the_callers_bad_request_and_an_outbound_error() -> None:
    with pytest.raises(DestinationRefused) as refused:
        check_url("https://10.0.0.1/path?secret=1", PUBLIC)
    error = refused.value
    assert isinstance(error, DomainError)
    assert isinstance(error, OutboundError)
    assert (error.code, error.status) == ("destination_refused", 400)
    assert error.members == {"reason": "address_not_public"}
    assert "secret" not in str(error)


def spellings(address: int) -> list[str]:
    a, b, c, d = address.to_bytes(4, "big")
    return [
        str(address),
        hex(address),
        f"0{address:o}",
        f"{a}.{address & 0xFFFFFF}",
        f"{a}.{b}.{address & 0xFFFF}",
        f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"{a}.{b}.{c}.{d:#x}",
        f"{a}.{b}.{c}.{d}.",
        "".join(chr(ord(x) + 0xFEE0) if x != "." else x for x in f"{a}.{b}.{c}.{d}"),
        f"{a}。{b}。{c}。{d}",
        f"[::ffff:{a}.{b}.{c}.{d}]",
        f"[::ffff:{address:08x}]".replace(
            f"{address:08x}", f"{address >> 16:x}:{address & 0xFFFF:x}"
        ),
        f"[64:ff9b::{address >> 16:x}:{address & 0xFFFF:x}]",
        f"[64:ff9b:1::{address >> 16:x}:{address & 0xFFFF:x}]",
        f"[2002:{address >> 16:x}:{address & 0xFFFF:x}::1]",
        f"[2001:0:1:2:3:4:{(address >> 16) ^ 0xFFFF:x}:{(address & 0xFFFF) ^ 0xFFFF:x}]",
    ]


@given(st.integers(0, 2**32 - 1))
@example(int(IPv4Address("127.0.0.1")))
@example(int(IPv4Address("169.254.169.254")))
@example(int(IPv4Address("8.8.8.8")))
def test_an_ipv4_address_has_one_spelling(number: int) -> None:
    assert [refusal(f"https://{text}/", RECKLESS) for text in spellings(number)].count(None) == 0
    plain = refusal(f"https://{IPv4Address(number)}/", PUBLIC)
    assert (plain is None) == is_public(IPv4Address(number))


_aton_digits = st.text("0123456789abcdefABCDEFxX.", min_size=1, max_size=20)


@given(
    _aton_digits
    | st.from_regex(r"(0x[0-9a-f]{1,8}|[0-9]{1,10})(\.[0-9]{1,3}){0,3}", fullmatch=True)
)
def test_what_the_c_library_reads_as_a_number_is_never_taken_for_a_name(host: str) -> None:
    try:
        packed = socket.inet_aton(host)
    except OSError:
        return
    met = refusal(f"https://{host}/", RECKLESS)
    assert met in {None, Refusal.ADDRESS_SPELLING, Refusal.ADDRESS_FORBIDDEN}
    if met is None:
        assert check_url(f"https://{host}/", RECKLESS).address == IPv4Address(packed)


@given(st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(0, 2**128 - 1).map(IPv6Address))
def test_public_is_never_more_than_the_standard_library_says(
    address: IPv4Address | IPv6Address,
) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast


@given(st.integers(0, 2**125 - 1).map(lambda low: IPv6Address((1 << 125) + low)))
def test_addresses_that_are_given_out_are_public(address: IPv6Address) -> None:
    held_back = ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
    expected = not any(address in ip_network(text) for text in held_back)
    assert is_public(address) == expected


@given(st.text(max_size=60) | st.text("htps:/.@[]%\\0123abcx?#", max_size=60))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://a.example{text}"):
        try:
            read = check_url(url, PUBLIC)
        except DestinationRefused:
            continue
        assert read.authority.isascii()
        assert read.target.isascii()
        assert not set(read.authority + read.target) & set("\\ \r\n\t#")
        if read.address is None:
            with pytest.raises(ValueError, match="does not appear to be"):
                ipaddress.ip_address(read.host)
