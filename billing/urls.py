"""Where everything answers. The entitlement check comes first: it is asked most."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView

from core.api.description_page import description_page
from core.api.problem_page import problem_page

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include("entitlements.api.urls")),
    path("v1/", include("customers.api.urls")),
    path("v1/", include("subscriptions.api.urls")),
    path("v1/", include("invoicing.api.urls")),
    path("v1/", include("plans.api.urls")),
    path("v1/", include("provisioning.api.urls")),
    path("v1/", include("changes.api.urls")),
    path("", include("identity.api.urls")),
    path("", include("core.api.health")),
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(url="/docs")),
    path("docs/problems", problem_page, name="problems"),
    path("openapi.yaml", require_safe(description_page), name="schema"),
    # Split: the content security policy allows no inline script.
    path(
        "docs",
        require_safe(SpectacularSwaggerSplitView.as_view(url_name="schema")),
        name="docs",
    ),
    path(
        "redoc",
        require_safe(SpectacularRedocView.as_view(url_name="schema", template_name="redoc.html")),
        name="redoc",
    ),
]

handler400 = "core.api.problems.bad_request"
handler403 = "core.api.problems.forbidden"
handler404 = "core.api.problems.not_found"
handler500 = "core.api.problems.server_error"
