"""What the documentation shows."""

CUSTOMER_IN = {
    "key": "shop-gmbh",
    "currency": "USD",
    "zone": "Europe/Berlin",
    "profile": {"name": "Shop GmbH", "email": "billing@shop.example"},
}
CUSTOMER = {
    "id": "cus_01jd0000000000000000000001",
    "key": "shop-gmbh",
    "currency": "USD",
    "zone": "Europe/Berlin",
    "profile": {"name": "Shop GmbH", "email": "billing@shop.example"},
    "test_clock": None,
    "billing_anchor": None,
    "payment_method_on_file": False,
    "created_at": "2026-01-31T00:00:00Z",
    "closed_at": None,
    "parked": False,
}
SUBJECT_IN = {"key": "shop.example", "kind": "zone"}
SUBJECT = {
    "id": "sbj_01jd0000000000000000000002",
    "customer": "cus_01jd0000000000000000000001",
    "key": "shop.example",
    "kind": "zone",
    "created_at": "2026-01-31T00:00:00Z",
    "ended_at": None,
}
CLOCK = {
    "id": "clk_01jd0000000000000000000003",
    "name": "Month ends",
    "frozen_at": "2026-01-31T00:00:00Z",
    "advancing_to": None,
    "status": "ready",
    "parked_customers": 0,
    "created_at": "2026-01-15T09:30:00Z",
}
EVENT = {
    "id": "evt_01jd0000000000000000000004",
    "type": "subject.created",
    "customer": "cus_01jd0000000000000000000001",
    "subject": "sbj_01jd0000000000000000000002",
    "sequence": 2,
    "position": 7,
    "occurred_at": "2026-01-31T00:00:00Z",
    "recorded_at": "2026-01-31T00:00:00.120000Z",
    "actor": "client:cli_01jd0000000000000000000005",
    "reason": "",
    "data": {"kind": "zone", "plans": {}},
}
