"""Lists: every row exactly once, whatever is written meanwhile, and no cursor for another list."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.transactions import unit_of_work
from customers.models import TestClock

pytestmark = [pytest.mark.urls("api_front_door"), pytest.mark.django_db]

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def clocks(acting):
    def make():
        return [
            TestClock.objects.create(
                name="even" if each % 2 == 0 else "odd",
                frozen_at=NOON + timedelta(hours=each),
                created_at=NOON,
            )
            for each in range(25)
        ]

    return unit_of_work(make)


def walk(api, path):
    """Follow the cursors to the end; return the ids of each page."""
    pages, cursor = [], ""
    while cursor is not None:
        answer = api.get(path + cursor)
        assert answer.status_code == 200, answer.content
        page = answer.json()
        pages.append([row["id"] for row in page["data"]])
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    return pages


def code_of(api, path):
    answer = api.get(path)
    return answer.status_code, answer.json()["code"]


def test_a_list_is_newest_first_and_20_long_unless_told(api, clocks):
    newest = sorted((clock.id for clock in clocks), reverse=True)
    assert walk(api, "/v1/clocks?") == [newest[:20], newest[20:]]
    assert walk(api, "/v1/clocks?limit=10") == [newest[:10], newest[10:20], newest[20:]]
    assert walk(api, "/v1/clocks?limit=25") == [newest]
    assert walk(api, "/v1/clocks?limit=100") == [newest]


def test_an_empty_list_has_no_next_page(api):
    assert api.get("/v1/clocks").json() == {"data": [], "next_cursor": None}


def test_rows_written_and_deleted_meanwhile_move_nothing(api, clocks, acting):
    newest = sorted((clock.id for clock in clocks), reverse=True)
    first = api.get("/v1/clocks?limit=5").json()
    api.post("/v1/clocks", {"name": "new", "frozen_at": "2026-01-31T12:00:00Z"})
    unit_of_work(lambda: TestClock.objects.filter(pk__in=newest[:5]).delete())
    second = api.get(f"/v1/clocks?limit=5&cursor={first['next_cursor']}").json()
    assert [row["id"] for row in second["data"]] == newest[5:10]


def test_filters_keep_what_they_say(api, clocks):
    assert len(walk(api, "/v1/clocks?limit=100&name=odd")[0]) == 12
    query = "limit=100&frozen_after=2026-01-31T14:00:00Z&frozen_before=2026-01-31T17:00:00Z"
    found = api.get(f"/v1/clocks?{query}").json()["data"]
    assert {row["frozen_at"] for row in found} == {
        "2026-01-31T14:00:00Z",
        "2026-01-31T15:00:00Z",
        "2026-01-31T16:00:00Z",
    }
    assert api.get("/v1/clocks?moving=true").json()["data"] == []
    assert len(walk(api, "/v1/clocks?limit=100&moving=false")[0]) == 25


def test_a_reference_filter_takes_an_id_or_a_key(api):
    made = api.post("/v1/customers", {"key": "shop", "name": "A"}).json()["resource"]
    api.post("/v1/customers", {"key": "other", "name": "B"})
    for reference in (made["id"], "shop"):
        assert walk(api, f"/v1/customers?customer={reference}") == [[made["id"]]]
    for missing in ("cus_01jd0000000000000000000000", "nobody"):
        assert walk(api, f"/v1/customers?customer={missing}") == [[]]
    unknown = "clk_01jd0000000000000000000000"
    assert walk(api, f"/v1/customers?test_clock={unknown}") == [[]]


@pytest.mark.parametrize(
    "query",
    [
        "customer=clk_01jd0000000000000000000000",
        "test_clock=noon",
        "test_clock=cus_01jd0000000000000000000000",
    ],
)
def test_a_reference_to_another_type_is_refused(api, query):
    assert code_of(api, f"/v1/customers?{query}") == (400, "malformed_parameter")


def test_a_cursor_goes_on_with_its_filters(api, clocks):
    pages = walk(api, "/v1/clocks?name=odd&limit=5")
    assert [len(page) for page in pages] == [5, 5, 2]
    assert len({each for page in pages for each in page}) == 12


def test_the_limit_may_change_on_the_way(api, clocks):
    cursor = api.get("/v1/clocks?limit=5").json()["next_cursor"]
    assert len(api.get(f"/v1/clocks?limit=7&cursor={cursor}").json()["data"]) == 7


def test_a_cursor_is_good_for_nothing_else(api, as_caller, clocks):
    cursor = api.get("/v1/clocks?name=odd&limit=5").json()["next_cursor"]
    refused = (400, "malformed_cursor")
    assert code_of(api, f"/v1/clocks?cursor={cursor}") == refused
    assert code_of(api, f"/v1/clocks?name=even&cursor={cursor}") == refused
    assert code_of(api, f"/v1/customers?cursor={cursor}") == refused
    limited = as_caller("cus_01jd0000000000000000000000")
    assert code_of(limited, f"/v1/clocks?name=odd&cursor={cursor}") == refused
    assert as_caller("other").get(f"/v1/clocks?name=odd&cursor={cursor}").status_code == 200


@pytest.mark.parametrize("change", ["first", "middle", "last", "longer", "shorter"])
def test_a_changed_cursor_is_refused(api, clocks, change):
    cursor = api.get("/v1/clocks?limit=5").json()["next_cursor"]
    at = {"first": 0, "middle": len(cursor) // 2, "last": len(cursor) - 2}.get(change)
    if at is not None:
        other = "A" if cursor[at] != "A" else "B"
        cursor = cursor[:at] + other + cursor[at + 1 :]
    cursor = {"longer": cursor + "AAAA", "shorter": cursor[:-4]}.get(change, cursor)
    assert code_of(api, f"/v1/clocks?cursor={cursor}") == (400, "malformed_cursor")


@pytest.mark.parametrize("cursor", ["A", "!!!!", "null", "eyJpZCI6MX0", "%C3%A4", "A" * 512])
def test_what_is_no_cursor_is_refused(api, cursor):
    assert code_of(api, f"/v1/clocks?cursor={cursor}") == (400, "malformed_cursor")


def test_a_page_is_one_query_without_count_or_offset(api, clocks):
    cursor = api.get("/v1/clocks?limit=5").json()["next_cursor"]
    with CaptureQueriesContext(connection) as queries:
        api.get(f"/v1/clocks?limit=5&cursor={cursor}")
    [sql] = [each["sql"] for each in queries]
    assert "COUNT" not in sql
    assert "OFFSET" not in sql
    assert "LIMIT 6" in sql
