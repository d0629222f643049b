"""TypeIDs and keys: two names for an object that can never be taken for each other."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st

from core import ids
from customers.models import Customer, CustomerProfile, Subject
from customers.services import NewSubject, create_customer, create_subjects
from tests.conftest import MachineTime

PREFIXES = st.from_regex(r"[a-z]{2,12}", fullmatch=True)
TYPE_IDS = st.from_regex(r"[a-z]{2,12}_[0-7][0-9a-hjkmnp-tv-z]{25}", fullmatch=True)

# The examples of the TypeID specification (valid.yml of jetify-com/typeid)
SPECIFIED = [
    ("00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
    ("00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
    ("0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"),
    ("0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
    ("00000000000000000000000010", "00000000-0000-0000-0000-000000000020"),
    ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ("0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
    ("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
]
GOOD = "01h455vb4pex5vsknk084sn02q"


@pytest.mark.parametrize(("text", "uuid"), SPECIFIED)
def test_reads_and_writes_what_the_specification_shows(text: str, uuid: str) -> None:
    assert ids.encode("cus", UUID(uuid)) == f"cus_{text}"
    assert ids.decode(f"cus_{text}", prefix="cus") == UUID(uuid)


@given(PREFIXES, st.uuids())
def test_any_uuid_survives_the_round_trip(prefix: str, uuid: UUID) -> None:
    text = ids.encode(prefix, uuid)
    assert ids.decode(text, prefix=prefix) == uuid
    assert ids.is_type_id(text)
    assert ids.is_type_id(text, prefix=prefix)


@given(TYPE_IDS)
def test_there_is_one_way_only_to_write_an_identifier(text: str) -> None:
    prefix = text.partition("_")[0]
    assert ids.encode(prefix, ids.decode(text, prefix=prefix)) == text


@given(st.uuids(), st.uuids())
def test_texts_sort_as_their_uuids_do(one: UUID, other: UUID) -> None:
    assert (ids.encode("cus", one) < ids.encode("cus", other)) == (one < other)


def test_identifiers_sort_by_the_millisecond_they_were_made_in(machine_time: MachineTime) -> None:
    made = []
    for _ in range(50):
        made.append(ids.new_id("sub"))
        machine_time.passes(milliseconds=1)
    assert made == sorted(made)


def test_a_fresh_identifier_is_a_uuid_of_version_7_with_its_time(machine_time: MachineTime) -> None:
    uuid = ids.new_uuid()
    assert (uuid.version, uuid.variant) == (7, "specified in RFC 4122")
    at = datetime.fromtimestamp((uuid.int >> 80) / 1000, tz=UTC)
    assert at == machine_time.now


def test_fresh_identifiers_of_one_millisecond_differ(machine_time: MachineTime) -> None:
    assert len({ids.new_id("sub") for _ in range(1000)}) == 1000


MALFORMED = {
    "empty": "",
    "prefix only": "cus",
    "no digits": "cus_",
    "no prefix": GOOD,
    "empty prefix": f"_{GOOD}",
    "other type": f"sub_{GOOD}",
    "longer prefix": f"cuss_{GOOD}",
    "two prefixes": f"cus_sub_{GOOD}",
    "upper case prefix": f"CUS_{GOOD}",
    "upper case digits": f"cus_{GOOD.upper()}",
    "one digit short": f"cus_{GOOD[:-1]}",
    "one digit long": f"cus_{GOOD}0",
    "more than 128 bits": f"cus_8{GOOD[1:]}",
    "digit i": f"cus_{GOOD[:-1]}i",
    "digit l": f"cus_{GOOD[:-1]}l",
    "digit o": f"cus_{GOOD[:-1]}o",
    "digit u": f"cus_{GOOD[:-1]}u",
    "hyphen": f"cus-{GOOD}",
    "leading space": f" cus_{GOOD}",
    "trailing newline": f"cus_{GOOD}\n",
    "NUL": f"cus_{GOOD[:-1]}\x00",
    "arabic digit": f"cus_{GOOD[:-1]}\u0663",
    "full-width digit": f"cus_{GOOD[:-1]}\uff10",
    "bare uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(ids.MalformedId) as refused:
        ids.decode(text, prefix="cus")
    assert (refused.value.status, refused.value.code) == (400, "malformed_id")
    assert not ids.is_type_id(text, prefix="cus")


@given(st.text())
def test_reading_any_text_gives_an_identifier_or_a_refusal(text: str) -> None:
    try:
        uuid = ids.decode(text, prefix="cus")
    except ids.MalformedId:
        assert not ids.is_type_id(text, prefix="cus")
    else:
        assert ids.encode("cus", uuid) == text


@given(TYPE_IDS)
def test_a_key_never_has_the_shape_of_an_identifier(text: str) -> None:
    with pytest.raises(ids.MalformedKey, match="shape of an identifier"):
        ids.check_key(text)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}", fullmatch=True))
def test_any_other_text_of_the_right_characters_is_a_key(text: str) -> None:
    if not ids.is_type_id(text):
        assert ids.check_key(text) == text


@pytest.mark.parametrize(
    "text",
    ["", ".hidden", "-x", "a b", "a/b", "a+b", "\xe4", "a\n", "a\x00", "\u0663", "a" * 129],
)
def test_other_characters_are_no_key(text: str) -> None:
    with pytest.raises(ids.MalformedKey) as refused:
        ids.check_key(text)
    assert refused.value.code == "malformed_key"


def test_keys_have_at_most_128_characters() -> None:
    assert ids.check_key("a" * 128) == "a" * 128


@pytest.fixture
def customer(db: None, unwired: None) -> Customer:
    return create_customer(currency="EUR", name="Ada")


def test_a_column_holds_a_uuid_and_python_sees_text(customer: Customer) -> None:
    assert customer.id.startswith("cus_")
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, pg_typeof(id)::text FROM customers_customer")
        uuid, kind = cursor.fetchone()
    assert (uuid, kind) == (ids.decode(customer.id, prefix="cus"), "uuid")


def test_rows_are_found_by_text_and_by_uuid(customer: Customer) -> None:
    uuid = ids.decode(customer.id, prefix="cus")
    for wanted in (customer.id, uuid):
        assert Customer.objects.get(pk=wanted).id == customer.id
        assert Customer.objects.filter(pk__in=[wanted]).count() == 1
    assert Customer.objects.in_bulk([customer.id]) == {customer.id: customer}


def test_a_reference_speaks_the_text_of_what_it_refers_to(customer: Customer) -> None:
    create_subjects(customer_id=customer.id, subjects=[NewSubject("zone")])
    subject = Subject.objects.get(customer=customer)
    assert subject.customer_id == customer.id
    assert Subject.objects.filter(customer_id=customer.id).get() == subject
    assert Customer.objects.get(subjects=subject.id).id == customer.id
    assert list(Subject.objects.values_list("id", "customer_id", "customer__profile__id")) == [
        (subject.id, customer.id, CustomerProfile.objects.get().id)
    ]
    owner = Subject.objects.annotate(owner=F("customer_id")).values_list("owner", flat=True)
    assert list(owner) == [customer.id]


def test_looking_up_an_identifier_of_another_type_is_refused_not_missed(
    customer: Customer,
) -> None:
    for wrong in (f"sbj_{GOOD}", "cus_1", "anything"):
        with pytest.raises(ids.MalformedId):
            Customer.objects.filter(pk=wrong).exists()
        with pytest.raises(ids.MalformedId):
            Subject.objects.filter(customer_id=wrong).exists()


def test_rows_sort_by_identifier_as_their_texts_do(db: None, unwired: None) -> None:
    made = [create_customer(currency="EUR").id for _ in range(10)]
    assert list(Customer.objects.order_by("id").values_list("id", flat=True)) == sorted(made)
