"""How the admin looks: its name, its colours, the sidebar. ``billing.settings`` takes UNFOLD.

Only texts, so that settings can import it; the functions they name are looked up at a request.
Everything is served from here: the pages send no request to any other host.
"""

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Billing platform",
    "SITE_HEADER": "Billing platform",
    "SITE_SUBHEADER": "Staff console",
    "SITE_SYMBOL": "receipt_long",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "console.frame.icon"}],
    "STYLES": ["console.frame.stylesheet"],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "console.frame.environment",
    "DASHBOARD_CALLBACK": "console.home.dashboard",
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .014 231)",
            "100": "oklch(94.3% .029 233)",
            "200": "oklch(89.4% .055 232)",
            "300": "oklch(81.6% .1 231)",
            "400": "oklch(72.4% .135 233)",
            "500": "oklch(62.6% .145 238)",
            "600": "oklch(53.4% .138 243)",
            "700": "oklch(46.4% .122 244)",
            "800": "oklch(40.6% .1 243)",
            "900": "oklch(35.8% .083 244)",
            "950": "oklch(26.8% .062 246)",
        }
    },
    "SIDEBAR": {"show_search": True, "navigation": "console.frame.navigation"},
}
