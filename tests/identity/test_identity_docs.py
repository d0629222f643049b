"""The commands that the how-to shows do what it says, in the order it shows them."""

import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.management import call_command

from identity import queries, services
from identity.models import ClientSecret, SigningKey
from tests.identity.callers import ask, make_client, token_for

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.identity.callers")]

PAGE = Path(project.BASE_DIR) / "docs/how-to/rotate-keys.md"


def commands(section: str) -> list[str]:
    """Return the commands under one heading of the page."""
    _, _, rest = PAGE.read_text().partition(f"## {section}\n")
    text, _, _ = rest.partition("\n## ")
    found = re.findall(r"python manage\.py ([^\n`]+)", text)
    assert found, section
    return found


def run(section: str, **values: str) -> str:
    out = io.StringIO()
    for line in commands(section):
        words = [values.get(word, word) for word in shlex.split(line)]
        call_command(*words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_a_client_gets_a_new_secret() -> None:
    made = make_client()
    shown = run("Give a client a new secret", CLIENT=made.client.id, SECRET_ID=made.secret.id)
    assert "client_secret sk_" in shown
    (left,) = ClientSecret.objects.unrevoked()
    assert left.id != made.secret.id


def test_a_leaked_secret_is_of_no_use_and_the_client_goes_on() -> None:
    made = make_client()
    token = token_for(made.client)
    assert ask(token).status_code == 200
    run("A secret has leaked", CLIENT=made.client.id, SECRET_ID=made.secret.id)
    assert ask(token).status_code == 401
    assert ask(token_for(queries.find_client(made.client.id))).status_code == 200


def test_the_key_is_changed_without_losing_a_token() -> None:
    token = token_for(make_client().client)
    shown = run("Change the key that signs tokens")
    assert " published from " in shown
    assert ask(token).status_code == 200


def test_after_a_theft_old_tokens_are_refused() -> None:
    client = make_client().client
    token = token_for(client)
    run("A signing key may have been stolen")
    assert ask(token).status_code == 401
    assert ask(token_for(client)).status_code == 200


def test_a_new_secret_key_needs_a_new_signing_key(settings: Any) -> None:
    client = make_client().client
    token = token_for(client)
    settings.SECRET_KEY = "another secret"
    assert ask(token).status_code == 200
    with pytest.raises(queries.KeyUnreadable):
        token_for(client)
    run("Change SECRET_KEY")
    assert SigningKey.objects.count() == 1
    assert ask(token_for(client)).status_code == 200


def test_every_command_of_the_page_is_in_one_of_these_sections() -> None:
    sections = re.findall(r"^## (.+)$", PAGE.read_text(), re.MULTILINE)
    in_sections = sum(len(commands(section)) for section in sections)
    assert in_sections == PAGE.read_text().count("python manage.py ")
    assert services.SECRET_SLOTS == (1, 2)  # "room for two live secrets"
