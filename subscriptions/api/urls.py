from django.urls import path

from subscriptions.api import desired, views

urlpatterns = [
    path("subscriptions", views.Subscriptions.as_view()),
    path("subscriptions/<str:subscription>", views.OneSubscription.as_view()),
    path("subscriptions/<str:subscription>/change", views.Change.as_view()),
    path("subscriptions/<str:subscription>/cancel", views.Cancel.as_view()),
    path("subscriptions/<str:subscription>/uncancel", views.Uncancel.as_view()),
    path("subscriptions/<str:subscription>/schedule", views.Schedule.as_view()),
    path("subscriptions/<str:subscription>/schedule/<str:change>", views.OneScheduled.as_view()),
    path("customers/<str:customer>/products/<str:product>", desired.OfCustomer.as_view()),
    path(
        "customers/<str:customer>/subjects/<str:subject>/products/<str:product>",
        desired.OfSubject.as_view(),
    ),
]
