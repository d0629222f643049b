"""The groups that staff belong to. Daily work needs no superuser.

Everybody in them sees everything. To change means to run a service from the admin: no state can be
edited by hand, whatever a permission says.
"""

from collections.abc import Mapping

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from console.frame import GROUPS as SIDEBAR

# What the staff of each group may run services on, as app.model.
MAY_CHANGE: Mapping[str, tuple[str, ...]] = {
    "support": (
        "customers.customer",
        "subscriptions.subscription",
        "subscriptions.pendingchange",
        "provisioning.target",
        "entitlements.override",
    ),
    "finance": (),
}
# Accounts of staff are the superuser's business; these apps' rows are everybody's.
SEEN_APPS = frozenset(label for _, labels in SIDEBAR for label in labels) - {"auth"}


@transaction.atomic
def make_groups() -> None:
    """Make the groups, or give them again exactly the permissions they should have."""
    seen = Q(content_type__app_label__in=SEEN_APPS, codename__startswith="view_")
    for name, may_change in MAY_CHANGE.items():
        wanted = seen
        for each in may_change:
            app_label, model = each.split(".")
            wanted |= Q(content_type__app_label=app_label, codename=f"change_{model}")
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set(Permission.objects.filter(wanted))
