"""What the documentation shows."""

CHARGE = {
    "id": "chg_01jd000000000000000000000a",
    "customer": "cus_01jd0000000000000000000001",
    "subscription": "sub_01jd0000000000000000000006",
    "item": "plan",
    "price": "base",
    "version": "plv_01jd0000000000000000000007",
    "quantity": 1,
    "part": "fee",
    "kind": "advance",
    "amount": {"amount": 1694, "currency": "USD"},
    "settlement": "none",
    "period_start": "2025-01-10T00:00:00Z",
    "period_end": "2025-02-10T00:00:00Z",
    "segments": [
        {
            "start": "2025-01-20T00:00:00Z",
            "end": "2025-02-10T00:00:00Z",
            "fraction": "21/31",
            "exact": "52500/31",
            "amount": {"amount": 1694, "currency": "USD"},
        }
    ],
    "unit_price": "25.00",
    "explanation": "25.00 x 21/31 = 16.935483... -> 16.94",
    "is_imported": False,
    "due_at": "2025-01-20T00:00:00Z",
    "at": "2025-01-20T00:00:00Z",
    "recorded_at": "2025-01-20T00:00:00.120000Z",
}
CREDIT_IN = {
    "amount": {"amount": 500, "currency": "USD"},
    "charge": "chg_01jd000000000000000000000a",
    "reason": "Two hours of downtime.",
}
CREDIT = {
    "id": "cre_01jd000000000000000000000b",
    "customer": "cus_01jd0000000000000000000001",
    "subscription": "sub_01jd0000000000000000000006",
    "charge": "chg_01jd000000000000000000000a",
    "kind": "goodwill",
    "amount": {"amount": 500, "currency": "USD"},
    "reason": "Two hours of downtime.",
    "at": "2025-01-21T09:00:00Z",
    "recorded_at": "2025-01-21T09:00:00.120000Z",
}
BALANCE = {"balances": [{"amount": 500, "currency": "USD"}]}
