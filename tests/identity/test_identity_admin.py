"""The admin shows clients and keys, never what proves or signs, and acts through services."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client as Browser

from core.models import AuditEntry
from identity import services, tokens
from identity.models import Client, ClientSecret, RevokedToken, SigningKey
from tests.identity.callers import ask, make_client, token_for

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.identity.callers")]

PAGES = ("client", "clientsecret", "signingkey", "revokedtoken")


@pytest.fixture
def staff() -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("ada"))
    return browser


@pytest.fixture
def viewer() -> Browser:
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="identity", codename__startswith="view_")
    )
    browser = Browser()
    browser.force_login(user)
    return browser


def act(browser: Browser, page: str, action: str, row: Client | ClientSecret) -> str:
    response = browser.post(
        f"/admin/identity/{page}/", {"action": action, "_selected_action": row.id}, follow=True
    )
    assert response.status_code == 200
    return response.content.decode()


def test_every_page_opens_and_shows_nothing_secret(staff: Browser) -> None:
    made = make_client(key="edge")
    token = token_for(made.client)
    services.revoke_token(claims=tokens.claims_of(token), now=made.client.created_at)
    digest = bytes(ClientSecret.objects.get().digest)
    sealed = bytes(SigningKey.objects.get().sealed_private_key or b"")
    rows = (made.client, made.secret, SigningKey.objects.get(), RevokedToken.objects.get())
    for page, row in zip(PAGES, rows, strict=True):
        for url in (f"/admin/identity/{page}/", f"/admin/identity/{page}/{row.id}/change/"):
            response = staff.get(url)
            assert response.status_code == 200, url
            shown = response.content.decode()
            assert row.id in shown
            assert 'name="_save"' not in shown
            for hidden in (made.text, digest.hex(), str(digest), sealed.hex(), str(sealed)):
                assert hidden not in shown
            assert "digest" not in shown.lower()
            assert "private" not in shown.lower()
        assert staff.get(f"/admin/identity/{page}/add/").status_code == 403


def test_clients_are_found_by_id_key_and_name(staff: Browser) -> None:
    made, other = make_client(key="edge"), make_client(key="core")
    for term in (made.client.id, "edge"):
        shown = staff.get("/admin/identity/client/", {"q": term}).content.decode()
        assert made.client.id in shown
        assert other.client.id not in shown


def test_staff_disable_and_enable_a_client(staff: Browser) -> None:
    client = make_client().client
    token = token_for(client)
    act(staff, "client", "disable", client)
    assert ask(token).status_code == 401
    assert Client.objects.get().disabled_at is not None
    act(staff, "client", "enable", client)
    assert Client.objects.get().disabled_at is None
    entry = AuditEntry.objects.filter(table_name="identity_client").latest("id")
    assert entry.actor == f"staff:{User.objects.get().pk}"


def test_staff_take_back_tokens_and_secrets(staff: Browser) -> None:
    made = make_client()
    token = token_for(made.client)
    act(staff, "client", "take_back_tokens", made.client)
    assert ask(token).status_code == 401
    act(staff, "clientsecret", "revoke", made.secret)
    assert ClientSecret.objects.get().revoked_at is not None


def test_who_may_only_look_can_only_look(viewer: Browser) -> None:
    made = make_client()
    assert viewer.get("/admin/identity/client/").status_code == 200
    act(viewer, "client", "disable", made.client)
    act(viewer, "clientsecret", "revoke", made.secret)
    assert Client.objects.get().disabled_at is None
    assert ClientSecret.objects.get().revoked_at is None
