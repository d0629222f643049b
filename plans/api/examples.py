"""What the documentation shows."""

FEATURE = {
    "id": "ftr_01jd0000000000000000000001",
    "key": "waf_custom_rules",
    "name": "WAF custom rules",
    "product_service": "edge",
    "type": "limit",
    "unit": "rule",
    "scope": "subject",
    "combine": "max",
    "meter": None,
    "fed_by": None,
    "downgrade": {"policy": "keep_until", "days": 30},
    "list_prices": {},
}
METER = {
    "id": "mtr_01jd0000000000000000000002",
    "key": "workers_requests",
    "name": "Workers requests",
    "event_type": "workers.usage",
    "aggregation": "sum",
    "value_property": "requests",
    "filters": {},
    "group_by": ["script"],
}
PRODUCT = {
    "id": "prd_01jd0000000000000000000003",
    "key": "zone",
    "name": "Zone",
    "scope": "subject",
    "subject_kind": "zone",
    "exclusive": True,
    "co_terms": True,
    "features": ["waf_custom_rules", "waf_regex", "waf_log_action", "max_upload_size_mb"],
    "default_plan": "free",
    "fallback_plan": "free",
    "change_rules": [],
    "cancel": {"access_end": "period_end", "billing_end": "period_end", "settlement": "none"},
    "archived_at": None,
}
PLAN = {
    "id": "pln_01jd0000000000000000000004",
    "key": "pro",
    "name": "Pro",
    "product": "zone",
    "rank": 1,
    "archived_at": None,
}
VERSION = {
    "id": "plv_01jd0000000000000000000005",
    "plan": "pro",
    "number": 1,
    "status": "published",
    "private": False,
    "customers": [],
    "effective_from": None,
    "created_at": "2026-01-15T09:30:00Z",
    "published_at": "2026-01-15T09:30:00Z",
    "archived_at": None,
    "sold": {"month": ["USD"]},
    "contract": False,
    "externally_managed": False,
    "prices": [
        {
            "id": "prc_01jd0000000000000000000006",
            "key": "base",
            "sold_interval": "month",
            "currency": "USD",
            "interval": "month",
            "model": "flat",
            "due": "advance",
            "meter": None,
            "terms": {"amount": "25.00"},
        }
    ],
    "features": {
        "max_upload_size_mb": 100,
        "waf_custom_rules": 20,
        "waf_log_action": False,
        "waf_regex": False,
    },
    "billing_zone": "UTC",
    "trial": None,
    "quantity": {"min": 1, "max": 1, "default": 1},
    "pause": "credit",
    "access_while_paused": False,
}
ARCHIVED_VERSION = {**VERSION, "status": "archived", "archived_at": "2026-02-01T08:00:00Z"}
PUBLISH = {"reason": "Prices agreed for spring"}
ARCHIVE = {"reason": "Replaced by version 2"}
ADD_ON = {
    "id": "ado_01jd0000000000000000000007",
    "key": "extra_rules",
    "name": "Extra rules",
    "available_for": ["pro"],
    "included_in": ["business"],
    "versions": [
        {
            "id": "adv_01jd0000000000000000000008",
            "number": 1,
            "status": "published",
            "effective_from": None,
            "published_at": "2026-01-15T09:30:00Z",
            "sold": {"month": ["USD"]},
            "prices": [
                {
                    "id": "prc_01jd0000000000000000000009",
                    "key": "base",
                    "sold_interval": "month",
                    "currency": "USD",
                    "interval": "month",
                    "model": "flat",
                    "due": "advance",
                    "meter": None,
                    "terms": {"amount": "10.00"},
                }
            ],
            "features": {"waf_custom_rules": {"add": 50}},
            "quantity": {"min": 1, "max": 1, "default": 1},
        }
    ],
    "archived_at": None,
}
COUPON = {
    "id": "cpn_01jd000000000000000000000a",
    "key": "welcome",
    "name": "Welcome",
    "percent_off": "20",
    "amounts_off": {},
    "duration": "months",
    "months": 3,
    "priority": 100,
    "archived_at": None,
}
DOCUMENT = {
    "currencies": ["USD"],
    "product_services": {"edge": {"name": "Edge network"}},
    "features": {
        "waf_custom_rules": {
            "name": "WAF custom rules",
            "product_service": "edge",
            "type": "limit",
            "unit": "rule",
            "scope": "subject",
        }
    },
    "products": {
        "zone": {
            "name": "Zone",
            "scope": "subject",
            "exclusive": True,
            "features": ["waf_custom_rules"],
            "default_plan": "free",
        }
    },
    "plans": {
        "free": {
            "product": "zone",
            "rank": 0,
            "prices": {"month": {}},
            "features": {"waf_custom_rules": 5},
            "publish": True,
        },
        "pro": {
            "product": "zone",
            "rank": 1,
            "prices": {"month": {"USD": {"base": {"model": "flat", "amount": "25.00"}}}},
            "features": {"waf_custom_rules": 20},
            "publish": True,
        },
    },
}
CATALOG = {"meters": {}, "add_ons": {}, "coupons": {}, **DOCUMENT}
CATALOG_PLAN = {
    "create": ["/plans/pro"],
    "update": [
        {
            "pointer": "/features/waf_custom_rules",
            "field": "name",
            "before": "Rules",
            "after": "WAF",
        }
    ],
    "new_version": [{"pointer": "/plans/pro", "publish": True}],
    "unchanged": ["/plans/free"],
    "unmanaged": ["/coupons/welcome"],
    "errors": [],
}
