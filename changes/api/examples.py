"""What the documentation shows."""

from typing import Any

CHANGE_SET_IN = {
    "subscription": "sub_01jd0000000000000000000006",
    "operations": [{"change": {"plan": "business"}}],
    "reason": "Asked for by phone.",
}
_STANDING: dict[str, Any] = {
    "plan": "pro",
    "plan_version": "plv_01jd0000000000000000000007",
    "interval": "month",
    "quantity": 1,
    "add_ons": {},
    "limits_kept_from": [],
    "state": "active",
    "started_at": "2026-01-10T00:00:00Z",
    "ended_at": None,
    "trial_end": None,
    "paused_since": None,
    "pause_mode": "",
    "anchor": "2026-01-10T00:00:00Z",
    "anchor_day": None,
    "zone": "UTC",
    "period_start": "2026-01-10T00:00:00Z",
    "period_end": "2026-02-10T00:00:00Z",
    "blocks": [],
    "overrides": [],
    "pending": [],
}
_CHARGE = {
    "item": "plan",
    "price": "base",
    "version": "plv_01jd0000000000000000000009",
    "quantity": 1,
    "part": "fee",
    "kind": "advance",
    "amount": {"amount": 16935, "currency": "USD"},
    "settlement": "none",
    "period_start": "2026-01-10T00:00:00Z",
    "period_end": "2026-02-10T00:00:00Z",
    "unit_price": "250.00",
    "explanation": "250.00 x 21/31 = 169.354838... -> 169.35",
    "due_at": "2026-01-20T00:00:00Z",
}
_CREDIT = {
    **_CHARGE,
    "version": "plv_01jd0000000000000000000007",
    "kind": "credit",
    "amount": {"amount": -1694, "currency": "USD"},
    "settlement": "credit",
    "unit_price": "25.00",
    "explanation": "25.00 x 10/31 = 8.064516... -> 8.06; 8.06 - 25.00 charged = -16.94",
}
_ITEM = {
    "id": "chi_01jd000000000000000000000d",
    "customer": "cus_01jd0000000000000000000001",
    "subject": "sbj_01jd0000000000000000000002",
    "subscription": "sub_01jd0000000000000000000006",
    "state": "previewed",
    "effective_at": "2026-01-20T00:00:00Z",
    "valid_until": "2026-02-10T00:00:00Z",
    "before": _STANDING,
    "after": {
        **_STANDING,
        "plan": "business",
        "plan_version": "plv_01jd0000000000000000000009",
    },
    "preview": {
        "money": {
            "charges": [_CREDIT, _CHARGE],
            "due_now": {"amount": 15241, "currency": "USD"},
            "credit_balance_change": {"amount": 0, "currency": "USD"},
            "refund": {"amount": 0, "currency": "USD"},
            "next_invoice": {
                "at": "2026-02-10T00:00:00Z",
                "amount": {"amount": 25000, "currency": "USD"},
                "charges": [],
            },
        },
        "entitlements": [
            {
                "owner": "sbj_01jd0000000000000000000002",
                "feature": "waf_custom_rules",
                "before": 20,
                "after": 100,
                "at": "2026-01-20T00:00:00Z",
            }
        ],
        "provisioning": [
            {
                "service": "edge",
                "owner": "sbj_01jd0000000000000000000002",
                "target": "tgt_01jd0000000000000000000013",
                "before": {"entitlements": {"waf_custom_rules": {"value": 20}}},
                "after": {"entitlements": {"waf_custom_rules": {"value": 100}}},
                "at": "2026-01-20T00:00:00Z",
            }
        ],
        "warnings": [],
    },
    "problem": None,
    "applied_at": None,
}
ITEM = _ITEM
_COUNTS = {
    "pending": 0,
    "previewed": 1,
    "stale": 0,
    "applied": 0,
    "failed": 0,
    "skipped": 0,
    "undone": 0,
}
CHANGE_SET: dict[str, Any] = {
    "id": "chs_01jd000000000000000000000c",
    "state": "ready",
    "customer": "cus_01jd0000000000000000000001",
    "selector": None,
    "operations": CHANGE_SET_IN["operations"],
    "undoes": None,
    "all_or_nothing": False,
    "effective_at": "2026-01-20T00:00:00Z",
    "expires_at": "2026-01-20T00:15:00Z",
    "reason": "Asked for by phone.",
    "created_at": "2026-01-20T00:00:00Z",
    "created_by": "client:cli_01jd000000000000000000000e",
    "approved_at": None,
    "approved_by": None,
    "finished_at": None,
    "item": _ITEM,
    "items": _COUNTS,
    "totals": {
        "money": [
            {
                "due_now": {"amount": 15241, "currency": "USD"},
                "credit_balance_change": {"amount": 0, "currency": "USD"},
                "refund": {"amount": 0, "currency": "USD"},
            }
        ],
        "warnings": {},
        "problems": {},
    },
}
REASON = {"reason": "Checked with the customer."}
