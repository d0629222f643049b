from django.urls import path

from entitlements.api import checks, comparing, consuming, overrides, reserving, views

urlpatterns = [
    path("entitlements/check", checks.Check.as_view()),
    path("entitlements/consume", consuming.Consume.as_view()),
    path("entitlements/release", consuming.Release.as_view()),
    path("entitlements/reservations", reserving.Reservations.as_view()),
    path("entitlements/reservations/<str:reservation>/finalize", reserving.Finalize.as_view()),
    path("entitlements/reservations/<str:reservation>/release", reserving.Release.as_view()),
    path("entitlements/levels", consuming.Levels.as_view()),
    path("customers/<str:customer>/entitlements", views.Entitlements.as_view()),
    path("customers/<str:customer>/entitlements/explain", views.Explanation.as_view()),
    path("customers/<str:customer>/entitlements/diff", comparing.Diff.as_view()),
    path("entitlements/simulate", comparing.Simulation.as_view()),
    path("customers/<str:customer>/entitlements/token", views.RevisionToken.as_view()),
    path("customers/<str:customer>/overrides", overrides.Overrides.as_view()),
    path("customers/<str:customer>/overrides/<str:override>", overrides.OneOverride.as_view()),
    path("customers/<str:customer>/overrides/<str:override>/revoke", overrides.Revoke.as_view()),
    path("customers/<str:customer>/overrides/<str:override>/approve", overrides.Approve.as_view()),
    path("customers/<str:customer>/overrides/<str:override>/reject", overrides.Reject.as_view()),
]
