from django.urls import path

from subscriptions.api import (
    blocks,
    changing,
    desired,
    imports,
    overdue,
    timelines,
    timing,
    views,
)

_ONE = "subscriptions/<str:subscription>"

urlpatterns = [
    path("subscriptions", views.Subscriptions.as_view()),
    path("subscriptions/import", imports.Imports.as_view()),
    path(_ONE, views.OneSubscription.as_view()),
    path(f"{_ONE}/change", changing.Change.as_view()),
    path(f"{_ONE}/add-ons", changing.AddOns.as_view()),
    path(f"{_ONE}/cancel", changing.Cancel.as_view()),
    path(f"{_ONE}/uncancel", changing.Uncancel.as_view()),
    path(f"{_ONE}/pause", timing.Pause.as_view()),
    path(f"{_ONE}/resume", timing.Resume.as_view()),
    path(f"{_ONE}/trial", timing.Trial.as_view()),
    path(f"{_ONE}/anchor", timing.Anchor.as_view()),
    path(f"{_ONE}/timeline", timelines.OfSubscription.as_view()),
    path(f"{_ONE}/schedule", changing.Schedule.as_view()),
    path(f"{_ONE}/schedule/<str:change>", changing.OneScheduled.as_view()),
    path("customers/<str:customer>/subscriptions/timeline", timelines.OfCustomer.as_view()),
    path("customers/<str:customer>/products/<str:product>", desired.OfCustomer.as_view()),
    path(
        "customers/<str:customer>/subjects/<str:subject>/products/<str:product>",
        desired.OfSubject.as_view(),
    ),
    path("customers/<str:customer>/blocks", blocks.Blocks.as_view()),
    path("blocks/<str:block>/lift", blocks.Lift.as_view()),
    path("customers/<str:customer>/payment-failures", overdue.PaymentFailures.as_view()),
    path("customers/<str:customer>/payment-recoveries", overdue.PaymentRecoveries.as_view()),
    path("customers/<str:customer>/restore", overdue.Restore.as_view()),
]
