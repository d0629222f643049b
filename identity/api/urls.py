"""OAuth's endpoints, at the root: their places are the standards', not our API's."""

from django.urls import path

from identity.api import views

urlpatterns = [
    path("oauth/token", views.TokenView.as_view(), name="oauth-token"),
    path("oauth/revoke", views.RevocationView.as_view(), name="oauth-revoke"),
    path(".well-known/jwks.json", views.KeySetView.as_view(), name="jwks"),
    path(
        ".well-known/oauth-authorization-server",
        views.ServerMetadataView.as_view(),
        name="oauth-metadata",
    ),
]
