"""``expand=``: whole objects where otherwise only their names are."""

import pytest
from api_front_door import CustomerOut, ThingOut
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from core.acting import acting_as
from core.api.expanding import Expansion
from core.api.operations import lists, reads
from core.principals import Scope
from core.transactions import unit_of_work
from customers.models import Customer, CustomerProfile, Subject

pytestmark = [pytest.mark.urls("api_front_door"), pytest.mark.django_db]


def make_customer(key, things):
    now = clock.system_now()
    row = Customer.objects.create(
        key=key, currency="EUR", zone="UTC", created_at=now, last_acted_at=now
    )
    CustomerProfile.objects.create(customer=row, name=f"{key} Ltd")
    for number in range(things):
        Subject.objects.create(customer=row, key=f"{key}-{number}", kind="thing", created_at=now)
    return row


@pytest.fixture
def ada(db):
    with acting_as("system:test"):
        return unit_of_work(lambda: make_customer("ada", 1))


@pytest.fixture
def bob(db, ada):
    with acting_as("system:test"):
        return unit_of_work(lambda: make_customer(None, 2))


@pytest.fixture
def path(ada):
    return f"/v1/things/{Subject.objects.get(customer=ada).id}"


def whole(customer):
    return {
        "id": customer.id,
        "key": customer.key,
        "profile": {"name": f"{customer.key} Ltd"},
    }


def outcome(answer):
    return answer.status_code, answer.json().get("code")


def test_a_relation_is_a_name_unless_it_is_asked_for_whole(api, ada, path):
    plain = api.get(path).json()
    assert (plain["customer"], plain["account"]) == (ada.id, "ada")
    assert api.get(f"{path}?expand=customer").json() == {**plain, "customer": whole(ada)}
    assert api.get(f"{path}?expand=account").json() == {**plain, "account": whole(ada)}
    both = {**plain, "customer": whole(ada), "account": whole(ada)}
    assert api.get(f"{path}?expand=account,customer").json() == both


def test_every_row_of_a_list_has_its_own_and_null_stays_null(api, ada, bob):
    rows = api.get("/v1/things?expand=customer,account&limit=2").json()["data"]
    rows += api.get("/v1/things").json()["data"][2:]
    assert [(row["customer"], row["account"]) for row in rows] == [
        (whole(bob), None),
        (whole(bob), None),
        (ada.id, "ada"),
    ]


def test_a_page_goes_on_with_or_without_expanding(api, ada, bob):
    first = api.get("/v1/things?limit=2&expand=customer").json()
    after = f"/v1/things?limit=2&cursor={first['next_cursor']}"
    assert [row["customer"] for row in api.get(after).json()["data"]] == [ada.id]
    expanded = api.get(f"{after}&expand=customer").json()["data"]
    assert [row["customer"] for row in expanded] == [whole(ada)]


def test_a_relation_costs_one_query_however_many_rows(api, ada, bob):
    def queries(query):
        with CaptureQueriesContext(connection) as captured:
            assert api.get(f"/v1/things?{query}").status_code == 200
        return len(captured)

    plain = queries("limit=3")
    assert queries("limit=3&expand=customer") == plain + 1
    assert queries("limit=1&expand=customer") == plain + 1
    assert queries("limit=3&expand=account,customer") == plain + 2


def test_the_etag_is_that_of_what_is_sent(api, ada, path):
    plain, expanded = api.get(path)["ETag"], api.get(f"{path}?expand=customer")["ETag"]
    assert plain != expanded
    assert api.get(f"{path}?expand=customer", If_None_Match=plain).status_code == 200
    assert api.get(f"{path}?expand=customer", If_None_Match=expanded).status_code == 304
    with acting_as("system:test"):
        unit_of_work(lambda: CustomerProfile.objects.update(name="Ada & Co"))
    assert api.get(path, If_None_Match=plain).status_code == 304
    assert api.get(f"{path}?expand=customer", If_None_Match=expanded).status_code == 200


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("expand=", "empty_parameter"),
        ("expand=profile", "malformed_parameter"),
        ("expand=customer,profile", "malformed_parameter"),
        ("expand=customer,", "malformed_parameter"),
        ("expand=customer,customer", "malformed_parameter"),
        ("expand=customer,%20account", "malformed_parameter"),
        ("expand=Customer", "malformed_parameter"),
        ("expand=customer.profile", "malformed_parameter"),
        ("expand[]=customer", "unknown_parameter"),
        ("expand=customer&expand=account", "duplicate_parameter"),
    ],
)
def test_what_cannot_be_expanded_is_refused(api, path, query, code):
    assert outcome(api.get(f"{path}?{query}")) == (400, code)
    assert outcome(api.get(f"/v1/things?{query}")) == (400, code)


def test_where_nothing_is_expandable_the_parameter_is_unknown(api, ada):
    assert outcome(api.get(f"/v1/customers/{ada.id}?expand=id")) == (400, "unknown_parameter")


def test_a_relation_needs_the_scope_that_reading_it_needs(as_caller, path):
    reader = as_caller("reader")
    assert reader.get(f"{path}?expand=customer").status_code == 200
    for refused in (path, "/v1/things", "/v1/things/nothing"):
        answer = reader.get(f"{refused}?expand=customer,account")
        assert outcome(answer) == (403, "scope_missing")
        assert answer.json()["scope"] == "customers:write"


def test_a_limited_caller_sees_its_own(as_caller, ada, bob, path):
    rows = as_caller(ada.id).get("/v1/things?expand=customer").json()["data"]
    assert [row["customer"] for row in rows] == [whole(ada)]
    assert as_caller(bob.id).get(f"{path}?expand=customer").status_code == 404


def test_a_relation_must_be_a_member_of_the_output():
    relations = {"owner": Expansion(CustomerOut, Customer.objects.all, Scope.CUSTOMERS_READ)}
    for decorate in (reads, lists):
        with pytest.raises(ValueError, match="ThingOut has no owner"):
            decorate(ThingOut, tag="t", summary="s", expandable=relations)
