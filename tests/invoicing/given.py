"""What the tests of charges are given: prices, stretches, and books that charges are kept in."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.periods import Anchor, Cycle
from invoicing.drafts import Billed, Draft, Kind, assess
from invoicing.stretches import Edge, Stretch
from invoicing.targets import LineKey
from plans.change_rules import Proration, Settlement
from plans.terms import Due, PriceModel, PriceTerms

BERLIN = "Europe/Berlin"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def flat(amount: str, interval: str = "month", **more: Any) -> PriceTerms:
    values: dict[str, Any] = {
        "id": f"prc_{amount}",
        "key": "base",
        "sold_interval": interval,
        "currency": "EUR",
        "interval": interval,
        "model": PriceModel.FLAT,
        "due": Due.ADVANCE,
        "amount": Decimal(amount),
    }
    return PriceTerms(**{**values, **more})


def seats(amount: str, interval: str = "month", **more: Any) -> PriceTerms:
    return flat(amount, interval, **{"model": PriceModel.PER_UNIT, **more})


def counted(anchor: str, zone: str = "UTC", **more: Any) -> Cycle:
    return Cycle(Anchor(utc(anchor), zone), **more)


def edge(
    at: str | datetime,
    proration: Proration = Proration.SECOND,
    settlement: Settlement = Settlement.CREDIT,
    *,
    goes_on: bool = False,
) -> Edge:
    return Edge(utc(at) if isinstance(at, str) else at, proration, settlement, goes_on)


def held(
    price: PriceTerms,
    start: Edge | str,
    end: Edge | str | None = None,
    *,
    cycle: Cycle,
    version: str = "",
    quantity: int = 1,
    **more: Any,
) -> Stretch:
    """A price held for a time. Its version is named after it, if it has no name."""
    return Stretch(
        item="plan",
        version_id=version or f"v{price.amount}",
        price=price,
        quantity=quantity,
        cycle=cycle,
        start=edge(start) if isinstance(start, str) else start,
        end=edge(end) if isinstance(end, str) else end,
        **more,
    )


@dataclass
class Books:
    """Where charges are written down, as the tables would."""

    lines: dict[LineKey, Billed] = field(default_factory=dict)
    written: list[Draft] = field(default_factory=list)

    def assess(
        self,
        stretches: Sequence[Stretch],
        at: str | datetime,
        *,
        agreed: Sequence[Stretch] | None = None,
        since: datetime | None = None,
    ) -> list[Draft]:
        """Write the charges of an instant, and see that a second look finds nothing more."""
        instant = utc(at) if isinstance(at, str) else at
        kept = self.lines if since is None else self._ending_after(since)
        drafts = assess(stretches, agreed=agreed, billed=kept, at=instant, since=since)
        for draft in drafts:
            self._write(draft)
        again = assess(stretches, agreed=agreed, billed=self.lines, at=instant, since=since)
        assert again == []
        return drafts

    def assessed(self, stretches: Sequence[Stretch], at: str | datetime, **more: Any) -> list[str]:
        """The same, in words: ``advance 25.00``."""
        return [
            f"{draft.kind} {Decimal(draft.amount) / 100:.2f}"
            for draft in self.assess(stretches, at, **more)
        ]

    @property
    def net(self) -> int:
        return sum(each.amount for each in self.lines.values())

    @property
    def by_slot(self) -> dict[Any, int]:
        sums: dict[Any, int] = {}
        for key, billed in self.lines.items():
            sums[key.slot] = sums.get(key.slot, 0) + billed.amount
        return {slot: amount for slot, amount in sums.items() if amount}

    def _ending_after(self, since: datetime) -> dict[LineKey, Billed]:
        return {
            key: billed
            for key, billed in self.lines.items()
            if key.slot.end is None or key.slot.end > since
        }

    def _write(self, draft: Draft) -> None:
        before = self.lines.get(draft.key, Billed())
        forfeited = draft.kind == Kind.FORFEITED
        after = replace(
            before,
            amount=before.amount + (0 if forfeited else draft.amount),
            forfeited=before.forfeited + (draft.amount if forfeited else 0),
            currency=draft.currency,
            period_start=draft.period_start,
            period_end=draft.period_end,
        )
        assert after.amount >= 0, "a credit exceeds what was billed"
        assert draft.amount != 0
        self.lines[draft.key] = after
        self.written.append(draft)


PRICE_LIST: dict[str, Any] = {
    "currencies": ["USD"],
    "product_services": {"edge": {}},
    "features": {
        "rules": {"product_service": "edge", "type": "limit", "unit": "rule", "scope": "subject"},
        "seats": {"product_service": "edge", "type": "limit", "unit": "seat", "scope": "customer"},
    },
    "products": {
        "zone": {
            "scope": "subject",
            "subject_kind": "zone",
            "exclusive": True,
            "co_terms": True,
            "features": ["rules"],
            "default_plan": "free",
        },
        "team": {"scope": "customer", "exclusive": True, "features": ["seats"]},
    },
    "plans": {
        "free": {
            "product": "zone",
            "rank": 0,
            "prices": {"month": {}, "year": {}},
            "features": {"rules": 5},
            "publish": True,
        },
        "pro": {
            "product": "zone",
            "rank": 1,
            "prices": {
                "month": {"USD": {"base": {"model": "flat", "amount": "25.00"}}},
                "year": {"USD": {"base": {"model": "flat", "amount": "240.00"}}},
            },
            "features": {"rules": 20},
            "publish": True,
        },
        "business": {
            "product": "zone",
            "rank": 2,
            "prices": {"month": {"USD": {"base": {"model": "flat", "amount": "250.00"}}}},
            "features": {"rules": 100},
            "publish": True,
        },
        "crew": {
            "product": "team",
            "rank": 1,
            "quantity": {"min": 1, "max": 100},
            "prices": {
                "month": {
                    "USD": {
                        "seats": {"model": "per_unit", "amount": "10.00"},
                        "setup": {"model": "flat", "amount": "99.00", "interval": "once"},
                    }
                },
                "year": {
                    "USD": {
                        "base": {"model": "flat", "amount": "100.00", "due": "arrears"},
                        "seats": {"model": "per_unit", "amount": "9.00", "interval": "month"},
                    }
                },
            },
            "features": {"seats": {"per_unit": 1}},
            "publish": True,
        },
        "tryout": {
            "product": "team",
            "rank": 2,
            "quantity": {"min": 1, "max": 100},
            "trial": {"days": 14, "ends": "paid"},
            "prices": {
                "month": {
                    "USD": {
                        "seats": {"model": "per_unit", "amount": "20.00"},
                        "setup": {"model": "flat", "amount": "50.00", "interval": "once"},
                    }
                }
            },
            "features": {"seats": {"per_unit": 1}},
            "publish": True,
        },
    },
    "add_ons": {
        "more_rules": {
            "available_for": ["pro", "business"],
            "quantity": {"min": 1, "max": 10},
            "prices": {"month": {"USD": {"base": {"model": "per_unit", "amount": "3.10"}}}},
            "features": {"rules": {"add": {"per_unit": 10}}},
            "publish": True,
        }
    },
}


def price_list(folder: Path) -> Path:
    """Write a price list of round numbers, and return where it is."""
    file = folder / "prices.json"
    file.write_text(json.dumps(PRICE_LIST))
    return file
