"""ETags: nothing is sent that the caller has, nothing is changed that the caller has not seen."""

import pytest

from customers.models import TestClock

pytestmark = [pytest.mark.urls("api_front_door"), pytest.mark.django_db]

CLOCK = {"name": "noon", "frozen_at": "2026-01-31T12:00:00Z"}
NIGHT = {**CLOCK, "name": "night"}


@pytest.fixture
def path(api):
    return f"/v1/clocks/{api.post('/v1/clocks', CLOCK).json()['resource']['id']}"


def test_the_etag_is_strong_and_says_what_is_answered(api, path):
    first = api.get(path)["ETag"]
    assert first.startswith('"')
    assert api.get(path)["ETag"] == first
    api.patch(path, NIGHT)
    assert api.get(path)["ETag"] != first
    api.patch(path, CLOCK)
    assert api.get(path)["ETag"] == first


@pytest.mark.parametrize("form", ["{0}", "W/{0}", '"other", {0}', "*", '"a","b" , {0}'])
def test_what_the_caller_has_is_not_sent_again(api, path, form):
    tag = api.get(path)["ETag"]
    answer = api.get(path, If_None_Match=form.format(tag))
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)


def test_what_the_caller_does_not_have_is_sent(api, path):
    assert api.get(path, If_None_Match='"other"').status_code == 200


@pytest.mark.parametrize("form", ["{0}", '"other", {0}', "*"])
def test_a_change_of_what_was_seen_is_made(api, path, form):
    tag = api.get(path)["ETag"]
    answer = api.patch(path, NIGHT, If_Match=form.format(tag))
    assert (answer.status_code, answer.json()["resource"]["name"]) == (200, "night")


@pytest.mark.parametrize("form", ['"other"', "W/{0}", '""'])
def test_a_change_of_something_else_is_not_made(api, path, form):
    tag = api.get(path)["ETag"]
    answer = api.patch(path, NIGHT, If_Match=form.format(tag))
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert TestClock.objects.get().name == "noon"


@pytest.mark.parametrize("header", ["", "abc", '"a', '"a" "b"', '*, "a"', 'w/"a"', '"a",', '"ä"'])
def test_a_precondition_that_cannot_be_read_is_refused(api, path, header):
    for answer in (
        api.patch(path, NIGHT, If_Match=header),
        api.get(path, If_None_Match=header),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_precondition")


def test_nothing_that_exists_can_match_a_creation(api):
    answer = api.post("/v1/clocks", CLOCK, If_Match="*")
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert TestClock.objects.count() == 0


def test_a_precondition_is_never_ignored(api, path):
    answer = api.send("DELETE", path, If_Match="*")
    assert (answer.status_code, answer.json()["code"]) == (400, "precondition_not_supported")
    assert TestClock.objects.count() == 1


def test_a_mutation_without_an_answer_is_a_204(api, path):
    answer = api.send("DELETE", path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(path).status_code == 404
