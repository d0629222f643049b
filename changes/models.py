"""Change sets, and their items: one per subscription."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from changes.states import UNDECIDED, WORKED_ON, ItemState, State
from core import audit
from core.ids import primary_key
from customers.models import Customer, Subject
from subscriptions.models import Subscription


class ChangeSetQuerySet(models.QuerySet["ChangeSet"]):
    def worked_on(self) -> Self:
        """Those whose items are being previewed or applied in the background, oldest first."""
        return self.filter(state__in=WORKED_ON).order_by("id")

    def overdue(self, now: datetime) -> Self:
        """Those that nobody decided on in time."""
        return self.filter(state__in=UNDECIDED, expires_at__lte=now)


class ChangeSet(models.Model):
    """What shall be done to one subscription, or to all that a selector found, and by whom.

    ``operations`` are commands as they came in, in their order; an undo has none: those of its
    items follow from what they undo. ``may_override`` says that who made it may decide instead of
    the policy. ``effective_at`` is set for a set of one; else each item has its own, its customer's
    now at the creation. ``expires_at`` is the machine's time.
    """

    id = primary_key("chs")
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="+")
    operations = models.JSONField(default=list)
    selector = models.JSONField(null=True)
    undoes = models.ForeignKey("self", models.PROTECT, null=True, related_name="undone_by")
    all_or_nothing = models.BooleanField(default=False)
    may_override = models.BooleanField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.COMPUTING)
    effective_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=128)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=128, blank=True)
    applied_by = models.CharField(max_length=128, blank=True)
    finished_at = models.DateTimeField(null=True)
    totals = models.JSONField(default=dict)

    objects = ChangeSetQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers(ignored=("totals",))
        constraints = [
            models.CheckConstraint(
                name="change_set_approved_by_somebody",
                condition=Q(approved_at=None, approved_by="")
                | (Q(approved_at__isnull=False) & ~Q(approved_by="")),
            ),
            models.CheckConstraint(
                name="change_set_applied_once_approved",
                condition=~Q(state__in=["applying", "paused", "applied", "partly_applied"])
                | (Q(approved_at__isnull=False) & ~Q(applied_by="")),
            ),
            models.CheckConstraint(
                name="change_set_finished_iff_done",
                condition=Q(
                    state__in=["applied", "partly_applied", "discarded", "expired"],
                    finished_at__isnull=False,
                )
                | (
                    ~Q(state__in=["applied", "partly_applied", "discarded", "expired"])
                    & Q(finished_at=None)
                ),
            ),
            models.CheckConstraint(
                name="change_set_of_one_has_its_instant",
                condition=Q(customer=None, effective_at=None)
                | Q(customer__isnull=False, effective_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "id"],
                name="change_set_open",
                condition=Q(state__in=["computing", "ready", "approved", "applying", "paused"]),
            )
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_single(self) -> bool:
        """Whether it is about one subscription."""
        return self.customer_id is not None

    @property
    def is_applied_at_once(self) -> bool:
        """Whether it is applied in one transaction, by the request that asks for it."""
        return self.is_single or self.all_or_nothing


class ChangeSetItemQuerySet(models.QuerySet["ChangeSetItem"]):
    def waiting(self) -> Self:
        """Those that are still to be previewed or applied."""
        return self.filter(state__in=[ItemState.PENDING, ItemState.PREVIEWED])

    def free(self, now: datetime) -> Self:
        """Those that no worker has."""
        return self.exclude(lease_until__gt=now)


class ChangeSetItem(models.Model):
    """One subscription in a change set; one that is only to begin has no identifier before it is
    applied.

    ``inputs`` are what the preview depends on, [[type, id, version], …], read after catching up to
    ``effective_at``; ``applied_inputs`` the same after applying. ``before`` and ``after`` are the
    subscription as it was and became, without identifiers; an undo leads back to ``before``.
    ``valid_until`` is when time changes the subscription next, in the customer's time. Only the
    holder of the lease works on it: what it finds counts while ``fencing_token`` is its own.
    """

    id = primary_key("chi")
    change_set = models.ForeignKey(ChangeSet, models.CASCADE, db_index=False, related_name="items")
    place = models.PositiveIntegerField()
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, models.PROTECT, null=True, related_name="+")
    subscription = models.ForeignKey(Subscription, models.PROTECT, null=True, related_name="+")
    undoes = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=16, choices=ItemState.choices, default=ItemState.PENDING)
    effective_at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    inputs = models.JSONField(default=list)
    applied_inputs = models.JSONField(default=list)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    preview = models.JSONField(null=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    lease_until = models.DateTimeField(null=True)
    fencing_token = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    applied_at = models.DateTimeField(null=True)

    objects = ChangeSetItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["change_set", "place"], name="change_set_item_in_its_place"
            ),
            models.UniqueConstraint(
                fields=["change_set", "subscription"],
                condition=Q(subscription__isnull=False),
                name="change_set_item_once",
            ),
            models.CheckConstraint(
                name="change_set_item_applied_iff_it_was",
                condition=Q(state__in=["applied", "undone"], applied_at__isnull=False)
                | (~Q(state__in=["applied", "undone"]) & Q(applied_at=None)),
            ),
            models.CheckConstraint(
                name="change_set_item_shows_what_it_does",
                condition=~Q(state__in=["previewed", "applied", "undone"])
                | Q(preview__isnull=False, after__isnull=False),
            ),
            models.CheckConstraint(
                name="change_set_item_says_what_is_wrong",
                condition=~Q(state__in=["stale", "failed"]) | ~Q(error_code=""),
            ),
        ]
        indexes = [
            models.Index(fields=["change_set", "state", "place"], name="change_set_item_by_state")
        ]

    def __str__(self) -> str:
        return str(self.id)
