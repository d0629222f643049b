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
    "used": None,
    "remaining": None,
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
            "used": None,
            "remaining": None,
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
        "Not blocked. Falls to 5 on 1 May 2025, when Free follows."
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
    "usage": None,
    "blocked_by": [],
    "next_change": {
        "from": "20",
        "at": "2025-05-01T00:00:00Z",
        "to": "5",
        "cause": "scheduled",
    },
    "remedies": [{"code": "upgrade", "plan": "business", "gives": "100"}],
}

REVISION = {
    "customer": "cus_01jd3vq6n0e6rt1c7h9a2b4c5d",
    "epoch": 1,
    "revision": 42,
    "token": "rv1_q0o4V2o9sT6Pc1mX7n2uJwGTW7dUwA4mNhHRcFKyKrEAAAABAAAAAAAAACo",
}
