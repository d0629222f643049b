"""The admin in a real browser: nothing is refused, nothing fails, nothing is fetched elsewhere."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from playwright.sync_api import Page, sync_playwright

from console.staff import make_groups
from core.acting import acting_as
from customers import services as customers
from customers.services import NewSubject
from entitlements import connections
from subscriptions.models import Subscription
from tests.world import EXAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

REPORT_REFUSALS = """
document.addEventListener('securitypolicyviolation',
    event => console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI}`))
"""


@dataclass
class Watched:
    """A page, and everything that went wrong on it."""

    page: Page
    base_url: str
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(REPORT_REFUSALS)
        self.page.on("console", self._message)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", self._request)
        self.page.on("dialog", self._dialog)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.base_url}{path}")
        self.page.wait_for_load_state("networkidle")

    def _message(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.type}: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.base_url, "data:")):
            self.problems.append(f"fetched elsewhere: {request.url}")

    def _dialog(self, dialog: Any) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()


Browse = Callable[[], Any]


@pytest.fixture
def browse(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Browse:
    """Open a browser; what the test needs from the database it makes before or after."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("there is no chromium: run bin/browser as root, or apt-get install chromium")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []

    @contextmanager
    def opened() -> Iterator[Watched]:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            yield Watched(page, live_server.url)
            browser.close()

    return opened


@pytest.fixture
def zone(transactional_db: Any) -> Iterator[str]:
    """The zone shop.example of Ada, whose name is an attack, on Pro."""
    call_command("catalog", "apply", str(EXAMPLES / "catalog.yaml"), verbosity=0)
    make_groups()
    User.objects.create_superuser("root", password="a good password")
    with acting_as("test"):
        ada = customers.create_customer(
            currency="USD", key="ada", name="<img src=x onerror=alert(1)>"
        )
        new = NewSubject("zone", "shop.example", {"zone": "pro"})
        (made,) = customers.create_subjects(customer_id=ada.id, subjects=[new])
    yield made.id
    connections.close()


def test_staff_log_in_find_a_customer_and_cancel(zone: str, browse: Browse) -> None:
    with browse() as watched:
        page = watched.page
        watched.open("/admin/")
        page.fill("[name=username]", "root")
        page.fill("[name=password]", "a good password")
        page.click("#login-form button")
        page.wait_for_url("**/admin/")
        assert page.title() == "Home | Billing platform"

        page.fill("[name=q]", "shop.example")
        page.press("[name=q]", "Enter")
        page.wait_for_url("**/change/?subject=*")
        assert page.inner_text("h1").strip() == "Customer ada"
        assert "Pro gives 20" in page.inner_text(f"#{zone}")
        assert page.is_hidden("textarea[name=reason]")

        page.click("summary:has-text('Cancel…')")
        page.click("button[value=cancel_now]")
        assert page.url.count("/do/") == 0, "the browser itself asks for the reason first"
        page.fill("textarea[name=reason]", "asked by the customer")
        page.click("button[value=cancel_now]")
        page.wait_for_load_state("networkidle")
        assert "The subscription was canceled." in page.inner_text("#main")
        assert "Free gives 5" in page.inner_text(f"#{zone}")
        assert "asked by the customer" in page.inner_text("#events")
        assert watched.problems == []
    subscription = Subscription.objects.select_related("plan_version__plan").get(subject=zone)
    assert subscription.plan_version.plan.key == "free"


def test_lists_and_rows_open_without_a_complaint(zone: str, browse: Browse) -> None:
    subscription_id = Subscription.objects.get(subject=zone).id
    with browse() as watched:
        watched.open("/admin/login/?next=/admin/customers/customer/")
        watched.page.fill("[name=username]", "root")
        watched.page.fill("[name=password]", "a good password")
        watched.page.click("#login-form button")
        watched.page.wait_for_url("**/admin/customers/customer/")
        for path in (
            "/admin/subscriptions/subscription/",
            f"/admin/subscriptions/subscription/{subscription_id}/change/",
            "/admin/core/event/",
            "/admin/auth/user/add/",
        ):
            watched.open(path)
        assert watched.problems == []
