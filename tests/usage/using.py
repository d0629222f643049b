"""What a product service says to the platform about use."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.world import World


@dataclass
class Shop:
    """The build service's own calls; each use has a fresh identifier unless it is named."""

    world: World
    numbers: "count[int]" = field(default_factory=count)

    def uses(
        self, feature: str, quantity: Any = 1, *, id: str = "", status: int = 200, **owner: Any
    ) -> dict[str, Any]:
        return self._say("consume", feature, quantity, id, status, owner)

    def gives_back(
        self, feature: str, quantity: Any = 1, *, id: str = "", status: int = 200, **owner: Any
    ) -> dict[str, Any]:
        return self._say("release", feature, quantity, id, status, owner)

    def reserves(
        self, feature: str, quantity: Any, *, id: str = "hold", seconds: int = 600, **more: Any
    ) -> dict[str, Any]:
        status = more.pop("status", 200)
        return self.world.post(
            "entitlements/reservations",
            status=status,
            id=id,
            feature=feature,
            quantity=str(quantity),
            expires_in_seconds=seconds,
            **(more or {"customer": "ada"}),
        )

    def finalizes(
        self, quantity: Any = None, *, id: str = "hold", status: int = 200, **more: Any
    ) -> dict[str, Any]:
        used = {} if quantity is None else {"quantity": str(quantity)}
        path = f"entitlements/reservations/{id}/finalize"
        return self.world.post(path, status=status, **used, **more)

    def lets_go(self, *, id: str = "hold", status: int = 200) -> dict[str, Any]:
        return self.world.post(f"entitlements/reservations/{id}/release", status=status)

    def reports(self, *levels: dict[str, Any], status: int = 200) -> list[Any]:
        answer = self.world.put("entitlements/levels", status=status, levels=list(levels))
        return list(answer.get("results", [answer]))

    def stands(self, feature: str, **owner: Any) -> tuple[str | None, str | None, str]:
        """Return used, remaining and the reason of a check for one more."""
        answer = self.world.check(feature, **(owner or {"customer": "ada"}))
        return answer["used"], answer["remaining"], answer["reason"]

    def _say(
        self, verb: str, feature: str, quantity: Any, id: str, status: int, owner: dict[str, Any]
    ) -> dict[str, Any]:
        return self.world.post(
            f"entitlements/{verb}",
            status=status,
            id=id or f"use-{next(self.numbers)}",
            feature=feature,
            quantity=str(quantity),
            **(owner or {"customer": "ada"}),
        )


def told(answer: dict[str, Any]) -> tuple[str, bool, str, str | None, str | None]:
    """What matters of an answer to a use."""
    names = ("result", "allowed", "reason", "used", "remaining")
    return tuple(answer[name] for name in names)  # type: ignore[return-value]
