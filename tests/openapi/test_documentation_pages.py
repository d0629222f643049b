"""The pages that show the API work under the policy that they are sent with."""

import re

import pytest
from django.test import Client

PAGES = ("/docs", "/redoc")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_script_that_its_policy_refuses(path: str) -> None:
    """An inline script is refused without a word, and leaves an empty page."""
    answer = Client().get(path)

    assert answer.status_code == 200
    assert "'unsafe-inline'" not in policy(answer.headers["Content-Security-Policy"])["script-src"]
    scripts = re.findall(r"<script([^>]*)>", answer.content.decode())
    assert scripts
    assert all(" src=" in attributes for attributes in scripts)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fetches_nothing_from_elsewhere(path: str) -> None:
    page = Client().get(path).content.decode()

    assert re.findall(r"(?:src|href|spec-url)=\"(?:https?:)?//[^\"]*\"", page) == []


def test_the_script_of_the_page_names_the_description() -> None:
    page = Client().get("/docs").content.decode()
    (script,) = re.findall(r"<script src=\"(/docs[^\"]*)\"", page)

    answer = Client().get(script)

    assert answer.headers["Content-Type"] == "application/javascript"
    assert '"/openapi.yaml"' in answer.content.decode()


def policy(header: str) -> dict[str, list[str]]:
    directives = (directive.split() for directive in header.split(";"))
    return {words[0]: words[1:] for words in directives}
