"""What the documentation shows."""

from typing import Any

SUBSCRIBE = {
    "customer": "shop-gmbh",
    "subject": "shop.example",
    "plan": "pro",
    "interval": "month",
}
REASON = {"reason": "The customer stays after all."}
SUBSCRIPTION: dict[str, Any] = {
    "id": "sub_01jd0000000000000000000006",
    "customer": "cus_01jd0000000000000000000001",
    "subject": "sbj_01jd0000000000000000000002",
    "product": "zone",
    "plan": "pro",
    "plan_version": "plv_01jd0000000000000000000007",
    "interval": "month",
    "currency": "USD",
    "quantity": 1,
    "state": "active",
    "started_at": "2026-01-31T00:00:00Z",
    "ended_at": None,
    "anchor": "2026-01-31T00:00:00Z",
    "zone": "UTC",
    "period_start": "2026-01-31T00:00:00Z",
    "period_end": "2026-02-28T00:00:00Z",
    "pending": [
        {
            "id": "pch_01jd0000000000000000000008",
            "kind": "plan",
            "effective_at": "2026-02-28T00:00:00Z",
            "plan": "free",
            "plan_version": "plv_01jd0000000000000000000009",
            "interval": "month",
            "created_at": "2026-02-02T10:00:00Z",
        }
    ],
    "metadata": {},
    "version": 3,
    "updated_at": "2026-02-02T10:00:00Z",
}
