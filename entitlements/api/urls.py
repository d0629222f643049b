from django.urls import path

from entitlements.api import checks, views

urlpatterns = [
    path("entitlements/check", checks.Check.as_view()),
    path("customers/<str:customer>/entitlements", views.Entitlements.as_view()),
    path("customers/<str:customer>/entitlements/explain", views.Explanation.as_view()),
    path("customers/<str:customer>/entitlements/token", views.RevisionToken.as_view()),
]
