"""The admin shows what was used; nothing is edited."""

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from usage.models import Counter, EventKey, Level, Reservation, UsageEvent

_OWNERS = ("customer__key", "customer__profile__email", "subject__key")


@admin.register(UsageEvent)
class UsageEventAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "feature", "quantity", "customer", "subject", "occurred_at", "window_start",
        "source", "source_id",
    )  # fmt: skip
    list_filter = ("feature",)
    id_search_fields = ("id", "customer", "subject")
    search_fields = ("feature", "meter", "source", "source_id", *_OWNERS)


@admin.register(Counter)
class CounterAdmin(ReadOnlyAdmin):
    list_display = ("meter", "used", "held", "customer", "subject", "window_start")
    list_filter = ("meter",)
    id_search_fields = ("customer", "subject")
    search_fields = ("meter", *_OWNERS)


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "feature", "quantity", "used", "customer", "subject", "held_at", "expires_at", "end",
        "source", "source_id",
    )  # fmt: skip
    list_filter = ("end", "feature")
    id_search_fields = ("id", "customer", "subject")
    search_fields = ("feature", "source", "source_id", *_OWNERS)


@admin.register(Level)
class LevelAdmin(ReadOnlyAdmin):
    list_display = ("feature", "level", "customer", "subject", "observed_at", "recorded_at")
    list_filter = ("feature",)
    id_search_fields = ("customer", "subject")
    search_fields = ("feature", *_OWNERS)


@admin.register(EventKey)
class EventKeyAdmin(ReadOnlyAdmin):
    list_display = ("hash", "fingerprint", "recorded_at")
    id_search_fields = ()
