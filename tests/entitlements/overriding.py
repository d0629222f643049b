"""Short words for stories of overrides."""

from typing import Any

from tests.world import World

WHY = "Promised by sales."
NOBODY = "ovr_01jd0000000000000000000000"


def make(world: World, feature: str = "rules", status: int = 201, **more: Any) -> dict[str, Any]:
    """Make an override of ada's; of a limit of her shop unless told."""
    body = {"feature": feature, "reason": WHY, **more}
    if feature in ("rules", "regex"):
        body.setdefault("subject", "shop.example")
    answer = world.post("customers/ada/overrides", status=status, **body)
    return dict(answer["resource"]) if status == 201 else answer


def rules(world: World, **query: Any) -> Any:
    return world.check("rules", customer="ada", subject="shop.example", **query)["value"]
