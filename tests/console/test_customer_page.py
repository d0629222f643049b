"""The staff's page about one customer: everything, escaped, bounded, read in few queries."""

import re
from datetime import UTC, datetime
from html import unescape

from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.acting import acting_as
from core.transactions import unit_of_work
from customers import services as customers
from customers import turns
from customers.models import Customer, TestClock
from customers.services import NewSubject
from provisioning.models import Target
from tests.console.conftest import page_of, text_of
from tests.world import World

MARKUP = "<script>alert(1)</script>"


def words_of(client: Client, url: str) -> str:
    """What a reader sees: the page without its tags."""
    content = client.get(url).content.decode()
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", content)).split())


def test_it_tells_who_what_why_and_what_is_to_come(world: World, ada: str, support: Client) -> None:
    world.change(zone_of(ada), "business")
    world.change(zone_of(ada), "pro", reason="asked on the phone")
    seen = words_of(support, page_of(ada))

    assert "Ada Ltd open test clock" in seen
    assert "ada@ada.example" in seen
    assert "Customer's now 2026-01-31 00:00:00" in seen
    assert "Business version 1 per month, USD active 2026-01-31 00:00:00" in seen
    assert "Pro per month on 2026-02-28 00:00:00" in seen
    assert (
        "Zone shop.example may use WAF custom rules up to 100 rules: Business gives 100 since "
        "31 January 2026. Not blocked. Falls to 20 on 28 February 2026, when Pro follows." in seen
    )
    assert "Customer ada may use Cron triggers up to 5 triggers: Workers Free gives 5" in seen
    assert "edge pending" in seen
    assert "generation 2 —" in seen
    assert "waf_custom_rules 100 —" in seen
    assert "subscription.scheduled" in seen
    assert "client test asked on the phone" in seen


def test_staff_are_named_by_their_user_name(ada: str, support: Client) -> None:
    user = User.objects.get(username="support-1")
    with acting_as(f"staff:{user.pk}", reason="typing error"):
        customers.update_profile(customer_id=ada, name="Ada and Sons")
    assert "staff support-1 typing error" in words_of(support, page_of(ada))


def test_desired_and_applied_stand_side_by_side(world: World, ada: str, support: Client) -> None:
    target = Target.objects.get(subject=zone_of(ada))
    unit_of_work(
        lambda: Target.objects.filter(pk=target.pk).update(
            applied_content=target.desired_content,
            applied_generation=target.desired_generation,
            applied_hash=target.desired_hash,
            next_attempt_at=None,
        )
    )
    world.change(zone_of(ada), "pro")
    page = text_of(support.get(page_of(ada)).content)
    assert '<tr class="c-differs"><td>generation</td><td>2</td><td>1</td></tr>' in page
    assert (
        '<tr class="c-differs"><td>waf_custom_rules</td>'
        '<td class="c-wrap">20</td><td class="c-wrap">5</td></tr>' in page
    )
    assert (
        '<tr><td>max_upload_size_mb</td><td class="c-wrap">100</td><td class="c-wrap">100</td></tr>'
        in page
    )


def test_whatever_people_wrote_stays_text(ada: str, support: Client) -> None:
    target = Target.objects.get(subject=zone_of(ada))
    with acting_as("test", reason=MARKUP):
        customers.update_profile(customer_id=ada, name=MARKUP, email=MARKUP)
        customers.create_subjects(customer_id=ada, subjects=[NewSubject(MARKUP)])
        turns.park(customer_id=ada, error=ValueError(MARKUP))
        unit_of_work(
            lambda: Target.objects.filter(pk=target.pk).update(
                problem=MARKUP, problem_detail=MARKUP
            )
        )
    for path in (page_of(ada), "/admin/", "/admin/customers/customer/"):
        content = support.get(path).content
        assert MARKUP.encode() not in content, path
        assert b"&lt;script&gt;alert(1)" in content, path


def test_it_takes_as_many_queries_for_many_subjects_as_for_one(ada: str, support: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert support.get(page_of(ada)).status_code == 200
        return len(captured)

    queries()
    with_one = queries()
    customers.create_subjects(
        customer_id=ada, subjects=[NewSubject("zone", f"{n}.example") for n in range(30)]
    )
    assert queries() <= with_one
    assert with_one <= 30


def test_lists_are_bounded_and_say_so(ada: str, support: Client) -> None:
    customers.create_subjects(
        customer_id=ada, subjects=[NewSubject("zone", f"{n}.example") for n in range(30)]
    )
    page = support.get(page_of(ada)).context["page"]
    assert len(page.owners) == 1 + 20
    assert len(page.history.events) == page.history.entries == 50
    assert sum(1 + change.more for change in page.history.changes) == 50
    seen = words_of(support, page_of(ada))
    assert "20 of 31 subjects shown, current ones first, then the newest." in seen
    assert "Events the newest 50 of " in seen


def test_one_subject_can_be_shown_alone_by_key_or_identifier(
    world: World, ada: str, support: Client
) -> None:
    world.zone(ada, "blog.example")
    for name in ("blog.example", zone_of(ada, "blog.example")):
        page = support.get(page_of(ada), {"subject": name}).context["page"]
        assert [owner.subject.key for owner in page.owners] == ["blog.example"]
    for name in ("other.example", ada, "\x00", "sbj_01jd0000000000000000000000"):
        page = support.get(page_of(ada), {"subject": name}).context["page"]
        assert len(page.owners) == 3


def test_what_has_ended_is_still_explained(world: World, ada: str, support: Client) -> None:
    tenth = datetime(2026, 2, 10, 12, tzinfo=UTC)
    unit_of_work(lambda: TestClock.objects.filter(pk=world.clock_id).update(frozen_at=tenth))
    customers.end_subject(subject_id=zone_of(ada))
    seen = words_of(support, page_of(ada))
    assert "shop.example zone ended" in seen
    assert "canceled" in seen
    assert (
        "WAF custom rules waf_custom_rules none expired "
        "Zone shop.example does not have WAF custom rules: Free gave it until 10 February 2026."
        in seen
    )


def test_a_parked_customer_shows_its_error_and_a_closed_one_that_it_is(
    ada: str, support: Client
) -> None:
    turns.park(customer_id=ada, error=ValueError("no such price"))
    seen = words_of(support, page_of(ada))
    assert "Parked since" in seen
    assert "ValueError: no such price" in seen
    turns.unpark(customer_id=ada)
    customers.close_customer(customer_id=ada)
    assert "Ada Ltd closed" in words_of(support, page_of(ada))


def test_unknown_customers_lead_back_to_the_list(db: None, support: Client) -> None:
    for name in ("cus_01jd0000000000000000000000", "ada", "sub_01jd0000000000000000000000", "%00"):
        answer = support.get(page_of(name))
        assert (answer.status_code, answer["Location"]) == (302, "/admin/customers/customer/")


def test_the_list_leads_to_the_page(ada: str, support: Client) -> None:
    listed = support.get("/admin/customers/customer/", {"q": "ada@ada.example"})
    address = f"/admin/customers/customer/{quote(ada)}/change/"
    assert address.encode() in listed.content
    assert support.get(address).context["page"].customer.id == ada


def test_only_staff_who_may_view_customers_see_it(ada: str) -> None:
    path = page_of(ada)
    anonymous = Client().get(path)
    assert anonymous["Location"] == f"/admin/login/?next={path}"
    client = Client()
    client.force_login(User.objects.create_user("new", is_staff=True))
    assert client.get(path).status_code == 403


def zone_of(customer: str, key: str = "shop.example") -> str:
    return str(Customer.objects.get(pk=customer).subjects.get(key=key).id)
