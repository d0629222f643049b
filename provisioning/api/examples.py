"""What the documentation shows."""

CONFIGURATION_IN = {"url": "https://edge.example/billing", "sandbox": False, "grace_days": 30}
SERVICE = {
    "id": "svc_01jd0000000000000000000011",
    "key": "edge",
    "name": "Edge network",
    "status": "live",
    "url": "https://edge.example/billing",
    "sandbox": False,
    "grace_days": 30,
    "paused_at": None,
    "disabled_at": None,
    "stopped_because": "",
    "secrets": [
        {"id": "whs_01jd0000000000000000000012", "created_at": "2026-01-31T09:00:00.120000Z"}
    ],
}
NEW_SECRET = {
    "id": "whs_01jd0000000000000000000012",
    "created_at": "2026-01-31T09:00:00.120000Z",
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw8Q5mQ2lqk1o=",
}
_HASH = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
TARGET = {
    "id": "tgt_01jd0000000000000000000013",
    "service": "edge",
    "customer": "cus_01jd0000000000000000000001",
    "subject": "sbj_01jd0000000000000000000002",
    "status": "applied",
    "state": "active",
    "generation": 2,
    "hash": _HASH,
    "applied": {"generation": 2, "hash": _HASH, "at": "2026-01-31T09:00:00.430000Z"},
    "lagging": False,
    "attempts": 0,
    "next_attempt_at": None,
    "leased_until": None,
    "dead_lettered_at": None,
    "problem": "",
    "problem_detail": "",
    "ahead_of": None,
    "created_at": "2026-01-31T08:00:00.120000Z",
}
DOCUMENT = {
    "target": "tgt_01jd0000000000000000000013",
    "service": "edge",
    "customer": {"id": "cus_01jd0000000000000000000001", "key": "shop-gmbh"},
    "subject": {"id": "sbj_01jd0000000000000000000002", "key": "shop.example", "kind": "zone"},
    "generation": 2,
    "state": "active",
    "delete_after": None,
    "entitlements": {
        "waf_custom_rules": {"type": "limit", "value": 20, "until": None, "trim": False}
    },
    "blocks": [],
    "hash": _HASH,
}
TARGET_DETAIL = {**TARGET, "document": DOCUMENT, "applied_document": DOCUMENT}
ATTEMPT = {
    "id": "att_01jd0000000000000000000014",
    "target": "tgt_01jd0000000000000000000013",
    "generation": 2,
    "hash": _HASH,
    "url": "https://edge.example/billing/provisioning/tgt_01jd0000000000000000000013",
    "started_at": "2026-01-31T09:00:00.380000Z",
    "elapsed_ms": 12,
    "outcome": "applied",
    "problem": "",
    "status": 200,
    "answer": '{"generation": 2, "hash": "' + _HASH + '"}',
}
CUSTOMER_TARGET = {
    "id": "tgt_01jd0000000000000000000013",
    "service": "edge",
    "subject": "sbj_01jd0000000000000000000002",
    "status": "applied",
    "message": "Everything is set up.",
    "applied_at": "2026-01-31T09:00:00.430000Z",
}
PAUSE = {"reason": "Database upgrade until 10:00"}
RESUME = {"reason": "Database upgrade is done"}
DISABLE = {"reason": "Edge network was shut down"}
RESYNC = {"reason": "Restored from last night's backup"}
RETRY = {"reason": "The fault in its last release is mended"}
RESYNC_TARGET = {"reason": "Its settings were changed by hand"}
