"""Who may call, what may be asked, and what every answer carries."""

import json
import logging

import pytest
from api_front_door import ClockMissing
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.http import Http404
from django.test import RequestFactory, override_settings

from core.api import problems
from core.api.lookups import find, visible
from core.models import AuditEntry
from core.principals import Principal
from customers.models import Customer, TestClock

pytestmark = [pytest.mark.urls("api_front_door"), pytest.mark.django_db]

CLOCK = {"name": "noon", "frozen_at": "2026-01-31T12:00:00Z"}
UNKNOWN = "clk_01jd0000000000000000000000"


def outcome(answer):
    return answer.status_code, answer.json()["code"]


def test_without_a_token_nobody_is_known(as_caller):
    answer = as_caller(None).get("/v1/clocks")
    assert outcome(answer) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_refused_token_is_told_so(as_caller):
    answer = as_caller("forged").get("/v1/clocks")
    assert outcome(answer) == (401, "token_refused")
    assert answer["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'


def test_a_missing_scope_is_named(as_caller):
    answer = as_caller("reader").post("/v1/clocks", CLOCK)
    assert outcome(answer) == (403, "scope_missing")
    assert answer.json()["scope"] == "clocks:write"
    assert as_caller("reader").get("/v1/clocks").status_code == 200


def test_any_known_caller_may_where_no_scope_is_needed(as_caller):
    assert as_caller("reader").get("/v1/ask?feature=waf").status_code == 200
    assert as_caller(None).get("/v1/ask?feature=waf").status_code == 401


def test_a_public_endpoint_looks_at_no_token(as_caller):
    assert as_caller(None).get("/v1/open").json() == {"who": "anybody"}
    assert as_caller("forged").get("/v1/open").status_code == 200


def test_head_is_get_without_a_body(api):
    clock = api.post("/v1/clocks", CLOCK).json()["resource"]["id"]
    full, head = api.get(f"/v1/clocks/{clock}"), api.send("HEAD", f"/v1/clocks/{clock}")
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", full["ETag"])


def test_options_says_what_there_is_and_nothing_more(as_caller):
    answer = as_caller(None).send("OPTIONS", "/v1/clocks")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_another_method_is_405_with_what_there_is(api):
    answer = api.send("PUT", "/v1/clocks", CLOCK)
    assert outcome(answer) == (405, "method_not_allowed")
    assert "GET" in answer["Allow"]


def test_another_media_type_is_not_acceptable(api):
    assert outcome(api.get("/v1/clocks", Accept="text/html")) == (406, "not_acceptable")
    assert api.get("/v1/clocks", Accept="application/json, */*;q=0.1").status_code == 200


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("misspelt=x", "unknown_parameter"),
        ("name=", "empty_parameter"),
        ("name", "empty_parameter"),
        ("ok=", "empty_parameter"),
        ("=x", "unknown_parameter"),
        ("name=a&name=b", "duplicate_parameter"),
        ("name=a&nam%65=b", "duplicate_parameter"),
        ("name=%ff", "malformed_parameter"),
        ("name=%00", "malformed_parameter"),
        ("name=a%0Ab", "malformed_parameter"),
        ("name=" + "x" * 21, "malformed_parameter"),
        ("&".join(f"p{each}=1" for each in range(60)), "malformed_parameter"),
        ("moving=True", "malformed_parameter"),
        ("moving=1", "malformed_parameter"),
        ("frozen_after=2026-01-31", "malformed_parameter"),
        ("frozen_after=2026-01-31T12:00:00+02:00", "malformed_parameter"),
        ("limit=" + "9" * 30, "malformed_parameter"),
        ("limit=1000000000", "malformed_parameter"),
        *[
            (f"limit={each}", "malformed_parameter")
            for each in ("0", "101", "-1", "1_0", "%D9%A1", "1e1", "+1", "01", "%201", "1.0", "ten")
        ],
    ],
)
def test_a_query_that_is_unclear_is_refused_not_ignored(api, query, code):
    assert outcome(api.get(f"/v1/clocks?{query}")) == (400, code)


def test_raw_bytes_in_a_query_are_utf_8_or_refused(api):
    raw = api.client.generic(
        "GET", "/v1/clocks", QUERY_STRING="name=\xff", headers={"Authorization": "Bearer all"}
    )
    assert outcome(raw) == (400, "malformed_parameter")


def test_mutations_and_single_reads_refuse_parameters_too(api):
    assert outcome(api.post("/v1/clocks?dry_run=1", CLOCK)) == (400, "unknown_parameter")
    assert outcome(api.get(f"/v1/clocks/{UNKNOWN}?x=1")) == (400, "unknown_parameter")
    assert TestClock.objects.count() == 0


def test_declared_parameters_arrive_checked(api):
    query = "feature=waf&quantity=3&at=2026-01-31T13:00:00%2B01:00&strict=true"
    assert api.get(f"/v1/ask?{query}").json() == {
        "feature": "waf",
        "quantity": "3",
        "at": "2026-01-31 12:00:00+00:00",
        "strict": "True",
        "dry": "False",
    }
    assert outcome(api.get("/v1/ask")) == (400, "missing_parameter")
    assert outcome(api.get("/v1/ask?feature=waf&quantity=0")) == (400, "malformed_parameter")


@pytest.mark.parametrize(
    "segment", ["1_0", "%00", "a%0A", "%20", "..%5c", "%D9%A1", "x" * 129, "a%2Fb", "'--", "cus_"]
)
def test_a_segment_of_the_wrong_shape_is_404(api, segment):
    answer = api.get(f"/v1/clocks/{segment}")
    assert answer.status_code == 404
    assert answer.json()["code"] in ("not_found", "clock_missing")


@pytest.mark.parametrize("reference", [UNKNOWN, "cus_01jd0000000000000000000000", "noon", "1_0"])
def test_all_that_is_missing_looks_the_same(api, reference):
    api.post("/v1/clocks", CLOCK)
    problem = api.get(f"/v1/clocks/{reference}").json()
    problem.pop("request_id")
    assert problem == {
        "type": f"{settings.BASE_URL}/docs/problems#clock_missing",
        "title": "Clock missing",
        "status": 404,
        "detail": "there is no such test clock",
        "code": "clock_missing",
    }


def test_another_tenants_object_is_a_missing_one(api, as_caller):
    mine, theirs = (
        api.post("/v1/customers", {"key": key, "name": "A"}).json()["resource"]["id"]
        for key in ("mine", "theirs")
    )
    me = as_caller(mine)
    assert me.get(f"/v1/customers/{mine}").json()["key"] == "mine"
    assert me.get("/v1/customers/mine").json()["id"] == mine
    for reference in (theirs, "theirs", "cus_01jd0000000000000000000000", "nobody"):
        problem = me.get(f"/v1/customers/{reference}").json()
        problem.pop("request_id")
        assert problem["code"] == "customer_missing"
        assert problem["detail"] == "there is no such customer"
    assert [each["id"] for each in me.get("/v1/customers").json()["data"]] == [mine]


def test_what_a_caller_does_is_kept_with_who_and_why(api):
    api.post("/v1/clocks", CLOCK, X_Request_Id="req-1", X_Reason="trying things")
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.reason, entry.request_id) == ("client:all", "trying things", "req-1")


def test_the_bodys_reason_goes_before_the_headers(api):
    api.post("/v1/clocks", {**CLOCK, "reason": "the body's"}, X_Reason="the header's")
    assert AuditEntry.objects.get().reason == "the body's"


def test_a_reason_of_the_body_may_be_any_text(api):
    api.post("/v1/clocks", {**CLOCK, "reason": "größer"}, X_Reason="bigger")
    assert AuditEntry.objects.get().reason == "größer"


@pytest.mark.parametrize(
    "reason", ["", "x" * 501, "a\tb", "a\x7fb", "gr\xf6\xdfer", "\xc3\xa4", "\xff"]
)
@pytest.mark.parametrize("body", [CLOCK, {**CLOCK, "reason": "fine"}])
def test_a_header_that_is_no_line_of_ascii_is_no_reason(api, body, reason):
    assert outcome(api.post("/v1/clocks", body, X_Reason=reason)) == (400, "malformed_reason")
    assert TestClock.objects.count() == 0


def test_a_reason_of_the_body_that_is_too_long_or_not_a_line_is_refused(api):
    for reason in ("x" * 501, "a\tb"):
        answer = api.post("/v1/clocks", {**CLOCK, "reason": reason})
        assert outcome(answer) == (400, "invalid_input")
        assert answer.json()["errors"][0]["pointer"] == "/reason"


@pytest.mark.parametrize("given", ["req-1", "A.b_c-9", "x" * 128])
def test_a_sane_request_id_is_answered(api, given):
    assert api.get("/v1/clocks", X_Request_Id=given)["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "a\u00e9"])
def test_another_request_id_is_replaced(api, given):
    answer = api.get("/v1/nothing", X_Request_Id=given)
    made = answer["X-Request-Id"]
    assert (len(made), answer.json()["request_id"]) == (32, made)


def test_an_outcome_stands_beside_what_every_answer_has(api):
    clock = api.post("/v1/clocks", CLOCK).json()["resource"]
    for replayed in (False, True):
        answer = api.post(f"/v1/clocks/{clock['id']}/tick", Idempotency_Key="k1")
        assert ("Idempotent-Replayed" in answer) is replayed
        assert answer.json() == {
            "resource": {**clock, "name": "ticked"},
            "changes": [],
            "revision": None,
            "provisioning": None,
            "ticks": 1,
        }


def test_a_domain_error_shows_its_members(api):
    answer = api.post("/v1/clocks", {**CLOCK, "name": "stopped"}, X_Request_Id="req-1")
    assert answer.json() == {
        "type": f"{settings.BASE_URL}/docs/problems#clock_stopped",
        "title": "Clock stopped",
        "status": 409,
        "detail": "the clock is stopped",
        "code": "clock_stopped",
        "request_id": "req-1",
        "since": "yesterday",
    }


def test_an_unknown_path_is_a_problem_too(api):
    for path in ("/v1/nothing", "/v1/clocks/", "/nothing", "/v1"):
        answer = api.get(path)
        assert outcome(answer) == (404, "not_found")
        assert answer["Content-Type"] == "application/problem+json"


def test_a_defect_is_a_500_that_tells_nothing(api, caplog):
    answer = api.get("/broken", X_Request_Id="req-1")
    assert answer.json() == {
        "type": f"{settings.BASE_URL}/docs/problems#internal_error",
        "title": "Internal error",
        "status": 500,
        "detail": "something is broken on our side",
        "code": "internal_error",
        "request_id": "req-1",
    }
    logged = next(each for each in caplog.records if each.name == "core.api.problems")
    assert (logged.levelno, logged.exc_info[0]) == (logging.ERROR, RuntimeError)


def test_a_lost_database_is_a_503_without_its_words(api):
    answer = api.post("/broken")
    assert outcome(answer) == (503, "database_unavailable")
    assert answer["Retry-After"] == "1"
    assert b"db.internal" not in answer.content


def test_two_writes_of_the_same_unique_thing_are_a_conflict_for_one(api):
    customer = {"key": "shop", "name": "A"}
    assert api.post("/v1/customers", customer).status_code == 201
    assert outcome(api.post("/v1/customers", customer)) == (409, "concurrent_write")


@pytest.mark.parametrize(
    ("handler", "status", "code"),
    [
        (lambda request: problems.bad_request(request, ValueError()), 400, "bad_request"),
        (lambda request: problems.forbidden(request, PermissionDenied()), 403, "forbidden"),
        (lambda request: problems.not_found(request, Http404()), 404, "not_found"),
        (problems.server_error, 500, "internal_error"),
    ],
    ids=["400", "403", "404", "500"],
)
def test_people_in_the_admin_get_pages_and_programs_get_problems(handler, status, code):
    page = handler(RequestFactory().get("/admin/customers/"))
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
    answer = handler(RequestFactory().get("/v1/customers/"))
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert json.loads(answer.content)["code"] == code


def test_a_limit_to_a_customer_needs_a_column_to_hold_to():
    principal = Principal("a", "client", frozenset())
    with pytest.raises(FieldDoesNotExist, match="customer_field"):
        visible(TestClock.objects.all(), principal)


def test_a_key_that_names_two_rows_names_none(api):
    for key in ("a", "b"):
        api.post("/v1/customers", {"key": key, "name": "A"})
    with pytest.raises(ClockMissing):
        find(
            Customer.objects.all(),
            "EUR",
            prefix="cus",
            missing=ClockMissing,
            principal=None,
            key_field="currency",
        )


@override_settings(ALLOWED_HOSTS=["api.example"])
def test_what_django_refuses_is_a_problem_too(api):
    answer = api.client.get("/nowhere", headers={"Host": "evil.example"})
    assert outcome(answer) == (400, "bad_request")
