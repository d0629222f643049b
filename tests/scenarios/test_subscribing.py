"""What may be subscribed to by whom, and what is in the way."""

from core.principals import Scope
from tests.world import World

SELF_SERVICE = [
    Scope.CUSTOMERS_READ,
    Scope.CUSTOMERS_WRITE,
    Scope.SUBSCRIPTIONS_READ,
    Scope.SUBSCRIPTIONS_WRITE,
]


def test_a_customer_starts_on_workers_free_and_r2_comes_on_request(world: World) -> None:
    world.starts_on("2026-01-10")
    ada = world.customer("ada")
    assert world.subscription(ada)["plan"] == "workers_free"

    r2 = world.post("subscriptions", status=201, customer=ada, plan="r2_standard")["resource"]
    assert (r2["product"], r2["state"]) == ("r2", "active")

    # it has no fallback: a cancellation really ends it
    world.post(f"subscriptions/{r2['id']}/cancel")
    world.advance_to("2026-02-10")
    ended = world.get(f"subscriptions/{r2['id']}")
    assert (ended["state"], ended["ended_at"]) == ("canceled", "2026-02-10T00:00:00Z")
    again = world.post(f"subscriptions/{r2['id']}/cancel", status=409)
    assert again["code"] == "subscription_ended"


def test_a_post_on_the_default_free_plan_changes_it_in_place(world: World) -> None:
    world.starts_on("2026-01-10")
    ada = world.customer("ada")
    shop = world.zone(ada)
    free = world.subscription(shop)

    body = {"customer": ada, "subject": shop, "plan": "pro"}
    taken = world.post("subscriptions", status=200, **body)
    assert (taken["resource"]["id"], taken["resource"]["plan"]) == (free["id"], "pro")

    in_the_way = world.post("subscriptions", status=409, **body)
    assert (in_the_way["code"], in_the_way["subscription"]) == ("already_subscribed", free["id"])


def test_desired_state_subscribes_changes_and_does_nothing_when_it_is_so(world: World) -> None:
    world.starts_on("2026-01-10")
    ada = world.customer("ada")
    shop = world.zone(ada)
    path = f"customers/ada/subjects/{shop}/products/zone"

    up = world.put(path, plan="business")
    assert up["resource"]["plan"] == "business"
    told = world.events(ada)
    same = world.put(path, plan="business")
    assert (same["changes"], same["replaced"], same["revision"]) == ([], [], up["revision"])
    assert world.events(ada) == told

    # a downgrade is agreed; wanting it again leaves it, wanting Business takes it back
    (agreed,) = world.put(path, plan="pro")["resource"]["pending"]
    assert world.put(path, plan="pro")["resource"]["pending"] == [agreed]
    back = world.put(path, plan="business")
    assert (back["replaced"], back["resource"]["pending"]) == ([agreed["id"]], [])

    # where there is nothing yet it subscribes
    r2 = world.put("customers/ada/products/r2", status=201, plan="r2_standard")
    assert r2["resource"]["started_at"] == "2026-01-10T00:00:00Z"


def test_what_self_service_may_not_do_is_refused_by_name(world: World) -> None:
    world.starts_on("2026-01-10")
    ada = world.customer("ada")
    shop = world.zone(ada)
    subscription = world.subscription(shop)["id"]
    own = world.token_for(SELF_SERVICE, customer_id=ada)

    def refused(path: str, status: int, **body: object) -> dict:
        return world.call("POST", path, status=status, body=body, token=own)

    for name, value in [("timing", "now"), ("anchor", "keep"), ("proration", "none")]:
        problem = refused(f"subscriptions/{subscription}/change", 403, plan="pro", **{name: value})
        assert (problem["code"], problem["field"]) == ("field_not_allowed", name)
    problem = refused(f"subscriptions/{subscription}/cancel", 403, when="now")
    assert (problem["code"], problem["field"]) == ("field_not_allowed", "when")
    contract = refused(f"subscriptions/{subscription}/change", 422, plan="enterprise")
    assert contract["code"] == "contact_sales"
    product = refused(f"subscriptions/{subscription}/change", 422, plan="workers_paid")
    assert product["code"] == "different_product"
    interval = refused(f"subscriptions/{subscription}/change", 422, plan="pro", interval="week")
    assert interval["code"] == "interval_not_sold"
    nothing = refused(f"subscriptions/{subscription}/change", 409, plan="free")
    assert nothing["code"] == "nothing_to_change"
    owner = refused("subscriptions", 422, customer=ada, plan="pro")
    assert owner["code"] == "wrong_owner"
    unknown = refused("subscriptions", 404, customer=ada, plan="gold")
    assert unknown["code"] == "plan_not_found"
    assert world.subscription(shop)["plan"] == "free"


def test_another_tenants_things_look_missing(world: World) -> None:
    ada, bob = world.customer("ada"), world.customer("bob")
    shop = world.zone(bob)
    hers = world.token_for(SELF_SERVICE, customer_id=ada)
    his = world.subscription(shop)["id"]

    def problem(method: str, path: str, body: object = None) -> dict:
        answer = world.call(method, path, status=404, body=body, token=hers)
        return {name: answer[name] for name in ("type", "title", "status", "code", "detail")}

    assert problem("GET", f"customers/{bob}") == problem(
        "GET", "customers/cus_01jd0000000000000000000000"
    )
    assert problem("GET", f"subscriptions/{his}") == problem(
        "GET", "subscriptions/sub_01jd0000000000000000000000"
    )
    body = {"plan": "pro"}
    assert problem("POST", f"subscriptions/{his}/change", body)["code"] == "subscription_not_found"
    assert problem("PUT", f"customers/{bob}/products/r2", {"plan": "r2_standard"})["code"] == (
        "customer_not_found"
    )
    assert (
        problem("POST", "subscriptions", {"customer": ada, "subject": shop, **body})["code"]
        == "subject_not_found"
    )
    listed = world.call("GET", "subscriptions", status=200, token=hers)
    assert {row["customer"] for row in listed["data"]} == {ada}


def test_staff_may_decide_instead_of_the_policy(world: World) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "business")
    world.advance_to("2026-01-20")

    now = world.change(shop, "pro", timing="now")
    assert (now["resource"]["plan"], now["decision"]["rule"]) == ("pro", "override")
    assert now["resource"]["period_end"] == "2026-02-10T00:00:00Z"

    subscription = now["resource"]["id"]
    unexplained = world.post(f"subscriptions/{subscription}/cancel", status=400, when="now")
    assert unexplained["code"] == "reason_required"
    ended = world.post(
        f"subscriptions/{subscription}/cancel", when="now", reason="asked for by phone"
    )
    assert ended["resource"]["plan"] == "free"
    enterprise = world.change(shop, "enterprise")
    assert enterprise["resource"]["plan"] == "enterprise"
    assert world.check("waf_custom_rules", subject=shop)["value"] == "1000"
