"""What every page of the admin shows around its content: the sidebar, the label, the files.

``console.unfold`` names these functions.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

# The groups of the sidebar: a heading, and the apps whose models stand under it.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Customers", ("customers",)),
    ("Catalog", ("plans",)),
    ("Subscriptions", ("subscriptions", "changes")),
    ("Charges", ("invoicing",)),
    ("Entitlements", ("entitlements", "usage")),
    ("Provisioning", ("provisioning",)),
    ("Identity", ("identity",)),
    ("Operations", ("core", "auth")),
)
# In this order inside a group; models that are not named here follow by their names.
ICONS: Mapping[str, str] = {
    "customers.Customer": "groups",
    "customers.Subject": "category",
    "customers.CustomerProfile": "badge",
    "customers.TestClock": "schedule",
    "plans.Product": "inventory_2",
    "plans.Plan": "sell",
    "plans.PlanVersion": "history_edu",
    "plans.Price": "payments",
    "plans.Feature": "extension",
    "plans.FeatureValue": "tune",
    "plans.Meter": "speed",
    "plans.AddOn": "add_circle",
    "plans.Coupon": "confirmation_number",
    "plans.ProductService": "dns",
    "subscriptions.Subscription": "autorenew",
    "subscriptions.PendingChange": "event_upcoming",
    "subscriptions.Term": "contract",
    "subscriptions.SpentTrial": "hourglass_bottom",
    "subscriptions.Block": "front_hand",
    "subscriptions.Import": "move_to_inbox",
    "changes.ChangeSet": "difference",
    "changes.ChangeSetItem": "checklist",
    "invoicing.Charge": "receipt_long",
    "invoicing.CreditEntry": "savings",
    "invoicing.CreditBalance": "account_balance_wallet",
    "invoicing.RefundIntent": "currency_exchange",
    "invoicing.NextCharge": "update",
    "entitlements.Override": "redeem",
    "entitlements.Fact": "fact_check",
    "entitlements.Timeline": "timeline",
    "entitlements.CustomerRevision": "tag",
    "usage.UsageEvent": "monitoring",
    "usage.Counter": "counter_1",
    "usage.Reservation": "pending",
    "usage.Level": "stacked_bar_chart",
    "usage.EventKey": "key",
    "provisioning.Target": "sync_alt",
    "provisioning.Attempt": "send",
    "provisioning.ServiceConfiguration": "settings_ethernet",
    "provisioning.ServiceSecret": "password",
    "identity.Client": "api",
    "identity.ClientSecret": "password",
    "identity.SigningKey": "key",
    "identity.RevokedToken": "block",
    "core.Event": "bolt",
    "core.Delivery": "outbox",
    "core.AuditEntry": "policy",
    "core.IdempotencyKey": "fingerprint",
    "auth.User": "person",
    "auth.Group": "group",
}
_ANY_ICON = "table_rows"


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar: the home page, then every model that this member of staff may see."""
    apps = {app["app_label"]: app["models"] for app in admin.site.get_app_list(request)}
    home = {"title": "Home", "icon": "home", "link": reverse("admin:index")}
    groups = [
        (title, [_item(model) for label in labels for model in _in_order(apps.get(label, []))])
        for title, labels in GROUPS
    ]
    return [{"items": [home]}] + [
        {"title": title, "collapsible": True, "items": items} for title, items in groups if items
    ]


def environment(_request: HttpRequest) -> tuple[str, str]:
    """Return the label in the header, so that nobody mistakes production for something else."""
    return settings.ENVIRONMENT, "danger" if settings.PRODUCTION else "info"


def stylesheet(_request: HttpRequest) -> str:
    return static("console/console.css")


def icon(_request: HttpRequest) -> str:
    return static("console/icon.svg")


def _item(model: Mapping[str, Any]) -> dict[str, Any]:
    label = model["model"]._meta.label
    return {
        "title": model["name"],
        "icon": ICONS.get(label, _ANY_ICON),
        "link": model["admin_url"],
    }


def _in_order(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    order = {label: place for place, label in enumerate(ICONS)}
    return sorted(
        models,
        key=lambda model: (order.get(model["model"]._meta.label, len(order)), str(model["name"])),
    )
