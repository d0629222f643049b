"""Examples of answers, for the API's description."""

CHECK = {
    "feature": "waf_custom_rules",
    "customer": "cus_01jd3vq6n0e6rt1c7h9a2b4c5d",
    "subject": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e",
    "allowed": True,
    "type": "limit",
    "value": "20",
    "unlimited": False,
    "unit": "rule",
    "used": "12",
    "remaining": "8",
    "window": None,
    "reason": "within_limit",
    "blocked_by": [],
    "revision": 42,
    "as_of": "2025-03-10T12:00:00Z",
    "valid_until": "2025-05-01T00:00:00Z",
    "degraded": False,
}

CHECKS_IN = {
    "checks": [
        {"subject": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e", "feature": "waf_custom_rules"},
        {"customer": "acme", "subject": "shop", "feature": "waf_rules", "quantity": "3"},
    ]
}

CHECKS = {
    "results": [
        {"check": CHECK, "problem": None},
        {
            "check": None,
            "problem": {
                "type": "https://billing.example/docs/problems#feature_not_found",
                "title": "Feature not found",
                "status": 404,
                "detail": "there is no such feature",
                "code": "feature_not_found",
                "request_id": "5c0f6a1b0f6e4b5fa7f3a6f3f3f0c9d1",
            },
        },
    ]
}

CONSUME_IN = {
    "id": "req_8f14e45f",
    "subject": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e",
    "feature": "waf_custom_rules",
    "quantity": "3",
}
CONSUME = {
    **CHECK,
    "id": "req_8f14e45f",
    "result": "recorded",
    "used": "15",
    "remaining": "5",
}
RELEASE = {**CONSUME, "used": "9", "remaining": "11"}

RESERVE_IN = {
    "id": "build-4711",
    "customer": "acme",
    "feature": "build_minutes",
    "quantity": "30",
    "expires_in_seconds": 1800,
}
_RESERVED = {
    "state": "held",
    "quantity": "30",
    "used": None,
    "held_at": "2025-03-10T12:00:00Z",
    "expires_at": "2025-03-10T12:30:00Z",
}
RESERVE = {
    **CHECK,
    "id": "build-4711",
    "result": "recorded",
    "feature": "build_minutes",
    "subject": None,
    "type": "metered",
    "value": "1000",
    "unit": "minute",
    "used": "100",
    "remaining": "870",
    "window": {
        "start": "2025-03-01T00:00:00Z",
        "end": "2025-04-01T00:00:00Z",
        "reset": "calendar",
    },
    "reservation": _RESERVED,
}
FINALIZE_IN = {"quantity": "12"}
FINALIZE = {
    **RESERVE,
    "used": "112",
    "remaining": "888",
    "reservation": {**_RESERVED, "state": "finalized", "used": "12"},
}
RELEASE_RESERVED = {
    **RESERVE,
    "remaining": "900",
    "reservation": {**_RESERVED, "state": "released", "used": "0"},
}

LEVELS_IN = {
    "levels": [
        {
            "subject": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e",
            "feature": "waf_custom_rules",
            "level": "12",
            "observed_at": "2025-03-10T11:59:58.25Z",
        },
        {"customer": "acme", "subject": "shop", "feature": "waf_regex", "level": "1"},
    ]
}
LEVELS = {
    "results": [
        {
            "level": {
                "feature": "waf_custom_rules",
                "customer": "cus_01jd3vq6n0e6rt1c7h9a2b4c5d",
                "subject": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e",
                "used": "12",
                "taken": True,
            },
            "problem": None,
        },
        {
            "level": None,
            "problem": {
                "type": "https://billing.example/docs/problems#not_a_limit",
                "title": "Not a limit",
                "status": 422,
                "detail": "waf_regex is no limit, so there is no level of it",
                "code": "not_a_limit",
                "request_id": "5c0f6a1b0f6e4b5fa7f3a6f3f3f0c9d1",
            },
        },
    ]
}

_SOURCE = {
    "type": "plan",
    "id": "sub_01jd3vq6n0e6rt1c7h9a2b4c5f",
    "product": "zone_plans",
    "plan": "pro",
    "add_on": None,
    "limit_kept_from": None,
}

ENTITLEMENTS = {
    "customer": "cus_01jd3vq6n0e6rt1c7h9a2b4c5d",
    "subject": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e",
    "at": "2025-03-10T12:00:00Z",
    "projected": False,
    "revision": 42,
    "data": [
        {
            "from": "2025-03-03T09:30:00Z",
            "allowed": True,
            "type": "limit",
            "value": "20",
            "unlimited": False,
            "unit": "rule",
            "used": "12",
            "remaining": "8",
            "window": None,
            "reason": "within_limit",
            "blocked_by": [],
            "feature": "waf_custom_rules",
            "name": "WAF custom rules",
            "until": "2025-05-01T00:00:00Z",
            "sources": [_SOURCE],
        }
    ],
}

EXPLANATION = {
    "owner": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e",
    "customer": "cus_01jd3vq6n0e6rt1c7h9a2b4c5d",
    "subject": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e",
    "feature": "waf_custom_rules",
    "at": "2025-03-10T12:00:00Z",
    "projected": False,
    "known_at": "2025-03-10T12:00:00Z",
    "revision": 42,
    "result": {
        "allowed": True,
        "reason": "within_limit",
        "type": "limit",
        "value": "20",
        "unlimited": False,
        "unit": "rule",
    },
    "in_words": (
        "Zone shop may use WAF custom rules up to 20 rules: Pro gives 20 since 3 March 2025. "
        "12 rules used, 8 left. Not blocked. Falls to 5 on 1 May 2025, when Free follows."
    ),
    "steps": [
        {
            "from": "2025-03-03T09:30:00Z",
            "step": "plan",
            "source": _SOURCE,
            "until": "2025-05-01T00:00:00Z",
            "value_in": None,
            "value_out": "20",
            "rule": "max",
            "won": True,
            "because": "nothing else gives it",
            "actor": "client:cli_01jd3vq6n0e6rt1c7h9a2b4c5g",
            "reason": None,
            "recorded_at": "2025-03-03T09:30:00.213411Z",
        }
    ],
    "window": None,
    "usage": {"used": "12", "held": "0", "remaining": "8"},
    "blocked_by": [],
    "next_change": {
        "from": "20",
        "at": "2025-05-01T00:00:00Z",
        "to": "5",
        "cause": "scheduled",
    },
    "remedies": [{"code": "upgrade", "plan": "business", "gives": "100"}],
}

DIFF = {
    "customer": "cus_01jd3vq6n0e6rt1c7h9a2b4c5d",
    "subject": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e",
    "from": "2025-03-10T12:00:00Z",
    "to": "2025-05-01T00:00:00Z",
    "projected": True,
    "revision": 42,
    "data": [
        {"feature": "waf_custom_rules", "before": "60", "after": "20", "cause": "override_ended"}
    ],
}

SIMULATION_IN = {
    "subject": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e",
    "plan": "business",
    "override": {"feature": "waf_custom_rules", "mode": "add", "value": 5},
}

SIMULATION = {
    "customer": "cus_01jd3vq6n0e6rt1c7h9a2b4c5d",
    "subject": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e",
    "at": "2025-03-10T12:00:00Z",
    "projected": False,
    "data": [
        {"feature": "waf_custom_rules", "before": "20", "after": "105"},
        {"feature": "waf_regex", "before": False, "after": True},
    ],
}

OVERRIDE_IN = {
    "subject": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e",
    "feature": "waf_custom_rules",
    "mode": "at_least",
    "value": 60,
    "expires_at": "2025-05-01T00:00:00Z",
    "reason": "Promised while the migration lasts.",
}

OVERRIDE = {
    "id": "ovr_01jd3vq6n0e6rt1c7h9a2b4c5j",
    "customer": "cus_01jd3vq6n0e6rt1c7h9a2b4c5d",
    "subject": "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e",
    "feature": "waf_custom_rules",
    "mode": "at_least",
    "value": 60,
    "state": "active",
    "starts_at": "2025-03-01T00:00:00Z",
    "expires_at": "2025-05-01T00:00:00Z",
    "reason": "Promised while the migration lasts.",
    "value_given": {"amount": 17600, "currency": "USD"},
    "created_at": "2025-03-01T00:00:00Z",
    "created_by": "client:cli_01jd3vq6n0e6rt1c7h9a2b4c5g",
    "needs_approval": False,
    "approved_at": None,
    "approved_by": None,
    "rejected_at": None,
    "rejected_by": None,
    "superseded_at": None,
    "superseded_by": None,
    "revoked_at": None,
    "revoked_by": None,
}
_SOMEBODY = "client:cli_01jd3vq6n0e6rt1c7h9a2b4c5k"
OVERRIDE_REVOKED = {
    "state": "revoked",
    "revoked_at": "2025-03-20T08:00:00Z",
    "revoked_by": _SOMEBODY,
}
OVERRIDE_APPROVED = {
    "needs_approval": True,
    "approved_at": "2025-03-01T09:00:00Z",
    "approved_by": _SOMEBODY,
}
OVERRIDE_REJECTED = {
    "state": "rejected",
    "needs_approval": True,
    "rejected_at": "2025-03-01T09:00:00Z",
    "rejected_by": _SOMEBODY,
}

REVISION = {
    "customer": "cus_01jd3vq6n0e6rt1c7h9a2b4c5d",
    "epoch": 1,
    "revision": 42,
    "token": "rv1_q0o4V2o9sT6Pc1mX7n2uJwGTW7dUwA4mNhHRcFKyKrEAAAABAAAAAAAAACo",
}
