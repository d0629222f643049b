"""The customer's page names what gives a value where that is more than a plan."""

import yaml
from django.core.management import call_command
from django.test import Client

from plans.models import PlanVersion
from plans.services import apply_catalog
from tests.console.conftest import page_of
from tests.console.test_customer_page import words_of, zone_of
from tests.world import EXAMPLES, World


def test_limits_that_are_kept_from_an_earlier_version(
    world: World, ada: str, support: Client
) -> None:
    document = yaml.safe_load((EXAMPLES / "catalog.yaml").read_text())
    document["plans"]["pro"]["features"]["waf_custom_rules"] = 10
    apply_catalog(tree=document)
    first, second = PlanVersion.objects.filter(plan__key="pro").order_by("number")
    shop = zone_of(ada)
    world.change(shop, "pro", plan_version=first.id)
    move = {"plan_version": second.id, "timing": "now", "keep_higher_limits": True}
    made = world.post(
        "change-sets",
        status=201,
        subscription=world.subscription(shop)["id"],
        operations=[{"change": move}],
    )
    world.post(f"change-sets/{made['resource']['id']}/apply")

    seen = words_of(support, page_of(ada))
    assert "Pro version 2 per month, USD higher limits kept from version 1" in seen
    assert "WAF custom rules up to 20 rules: Pro gives 20 (kept from version 1) since" in seen


def test_add_ons(world: World, ada: str, support: Client) -> None:
    call_command("catalog", "apply", str(EXAMPLES / "catalog-invented.yaml"), verbosity=0)
    path = f"customers/{ada}/subjects"
    team = world.post(path, status=201, key="crew", kind="team")["resource"]["id"]
    world.change(team, "team_hobby", add_ons={"team_more_projects": 1})

    seen = words_of(support, page_of(ada))
    assert "+ 1 team_more_projects" in seen
    assert "Projects up to 13 projects: Hobby gives 3 since" in seen
    assert "add-on Ten more projects adds 10 since" in seen
