"""The main job: a zone is sold a plan, granted its features, checked, and changed again."""

from tests.world import World


def test_a_zone_from_free_to_business_and_back_to_pro_over_three_month_ends(world: World) -> None:
    world.starts_on("2026-01-31")
    ada = world.customer("ada")

    # 31 January: a new zone is a real subscriber, on Free
    shop = world.zone(ada)
    free = world.subscription(shop)
    assert (free["plan"], free["state"]) == ("free", "active")
    assert (free["period_start"], free["period_end"]) == (
        "2026-01-31T00:00:00Z",
        "2026-02-28T00:00:00Z",
    )
    assert world.check("waf_custom_rules", subject=shop)["value"] == "5"
    assert world.check("waf_regex", subject=shop)["allowed"] is False

    # Pro acts at once, on the same subscription; the very next check agrees
    pro = world.change(shop, "pro")
    assert pro["resource"]["id"] == free["id"]
    assert pro["decision"]["rule"] == "free_to_paid"
    rules = world.check("waf_custom_rules", subject=shop, at_least=pro["revision"])
    assert (rules["value"], rules["reason"]) == ("20", "within_limit")

    # Business too, by rank
    business = world.change(shop, "business")
    assert business["decision"]["rule"] == "rank_up"
    assert world.check("waf_custom_rules", subject=shop)["value"] == "100"
    assert world.check("waf_regex", subject=shop)["allowed"] is True

    # A downgrade waits for the period's end; it can be replaced, taken back and agreed again
    down = world.change(shop, "free")
    assert down["decision"]["rule"] == "rank_down"
    assert down["resource"]["plan"] == "business"
    first = down["resource"]["pending"][0]
    assert (first["plan"], first["effective_at"]) == ("free", "2026-02-28T00:00:00Z")

    replacing = world.change(shop, "pro")
    assert replacing["replaced"] == [first["id"]]
    (second,) = replacing["resource"]["pending"]
    assert second["plan"] == "pro"

    back = world.delete(f"subscriptions/{free['id']}/schedule/{second['id']}")
    assert (back["replaced"], back["resource"]["pending"]) == ([second["id"]], [])
    world.change(shop, "pro")

    # 28 February: Business has become Pro exactly then, and the day of the month comes back
    for month_end, following in [
        ("2026-02-28", "2026-03-31"),
        ("2026-03-31", "2026-04-30"),
        ("2026-04-30", "2026-05-31"),
    ]:
        world.advance_to(month_end)
        now = world.subscription(shop)
        assert (now["plan"], now["pending"]) == ("pro", [])
        assert now["period_start"] == f"{month_end}T00:00:00Z"
        assert now["period_end"] == f"{following}T00:00:00Z"
    just_before = world.get(
        f"customers/{ada}/entitlements", subject=shop, at="2026-02-27T23:59:59Z"
    )
    assert _value(just_before, "waf_custom_rules") == "100"
    assert world.check("waf_custom_rules", subject=shop)["value"] == "20"

    # exactly this happened, and going to the same instant again changes nothing
    told = world.events(ada, shop)
    assert told.count("subscription.renewed") == 2
    assert told.count("subscription.changed") == 3
    assert told.count("subscription.scheduled") == 3
    assert told.count("subscription.unscheduled") == 2
    everything = world.events(ada)
    world.advance_to("2026-04-30")
    assert world.events(ada) == everything


def test_a_cancellation_falls_back_to_free_and_can_be_taken_back_until_then(world: World) -> None:
    world.starts_on("2026-01-10")
    ada = world.customer("ada")
    shop = world.zone(ada)
    world.change(shop, "pro")
    subscription = world.subscription(shop)["id"]

    # announced, taken back, announced again
    announced = world.post(f"subscriptions/{subscription}/cancel")
    assert [each["kind"] for each in announced["resource"]["pending"]] == ["end"]
    assert world.post(f"subscriptions/{subscription}/uncancel")["resource"]["pending"] == []
    assert world.post(f"subscriptions/{subscription}/uncancel", status=409)["code"] == (
        "not_canceling"
    )
    world.post(f"subscriptions/{subscription}/cancel")

    # 9 February, the last moment: still Pro
    world.advance_to("2026-02-09T23:59:59")
    assert world.check("waf_custom_rules", subject=shop)["value"] == "20"

    # 10 February: Free, on the same subscription, and nothing further to cancel
    world.advance_to("2026-02-10")
    now = world.subscription(shop)
    assert (now["id"], now["plan"], now["state"]) == (subscription, "free", "active")
    assert world.check("waf_custom_rules", subject=shop)["value"] == "5"
    refused = world.post(f"subscriptions/{subscription}/cancel", status=409)
    assert refused["code"] == "already_on_fallback"


def test_the_first_paid_purchase_fixes_the_monthly_date_for_later_ones(world: World) -> None:
    world.starts_on("2026-01-03")
    ada = world.customer("ada")
    first, second = world.zone(ada, "a.example"), world.zone(ada, "b.example")

    # 10 January: the free periods from the 3rd bind nobody
    world.advance_to("2026-01-10")
    world.change(first, "pro")
    paid = world.subscription(first)
    assert (paid["period_start"], paid["period_end"]) == (
        "2026-01-10T00:00:00Z",
        "2026-02-10T00:00:00Z",
    )

    # 20 January: the second zone joins on the 10th; a yearly one has a date of its own
    world.advance_to("2026-01-20")
    world.change(second, "pro")
    joined = world.subscription(second)
    assert (joined["anchor"], joined["period_end"]) == (
        "2026-01-10T00:00:00Z",
        "2026-02-10T00:00:00Z",
    )
    third = world.zone(ada, "c.example")
    world.change(third, "pro", interval="year")
    assert world.subscription(third)["period_end"] == "2027-01-20T00:00:00Z"

    # with the last paid monthly one gone, the date is free again
    for zone in (first, second):
        world.post(f"subscriptions/{world.subscription(zone)['id']}/cancel")
    assert world.get(f"customers/{ada}")["billing_anchor"] == "2026-01-10T00:00:00Z"
    world.advance_to("2026-02-10")
    assert world.get(f"customers/{ada}")["billing_anchor"] is None


def test_a_month_becomes_a_year_at_once_and_a_year_becomes_a_month_when_it_is_over(
    world: World,
) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")

    # 20 January: the longer interval begins at once and restarts the period
    world.advance_to("2026-01-20")
    yearly = world.change(shop, "pro", interval="year")
    assert yearly["decision"]["rule"] == "longer_interval"
    assert yearly["resource"]["period_end"] == "2027-01-20T00:00:00Z"

    # back to monthly waits for the year's end
    monthly = world.change(shop, "pro", interval="month")
    assert monthly["decision"]["rule"] == "shorter_interval"
    world.advance_to("2027-01-20")
    now = world.subscription(shop)
    assert (now["interval"], now["period_end"]) == ("month", "2027-02-20T00:00:00Z")


def test_the_end_of_a_zone_ends_its_subscription_for_good(world: World) -> None:
    world.starts_on("2026-01-10")
    ada = world.customer("ada")
    shop = world.zone(ada)
    world.change(shop, "business")
    world.change(shop, "pro")  # agreed for February

    world.advance_to("2026-01-15")
    world.delete(f"customers/{ada}/subjects/{shop}")

    (row,) = world.get("subscriptions", subject=shop)["data"]
    assert (row["state"], row["ended_at"], row["pending"]) == (
        "canceled",
        "2026-01-15T00:00:00Z",
        [],
    )
    assert world.check("waf_custom_rules", subject=shop)["allowed"] is False
    told = world.events(ada, shop)
    world.advance_to("2026-06-15")
    assert [each for each in world.events(ada, shop) if each.startswith("subscription")] == [
        each for each in told if each.startswith("subscription")
    ]


def _value(listed: dict, feature: str) -> str:
    (found,) = [each for each in listed["data"] if each["feature"] == feature]
    return str(found["value"])
