"""The real application, and beside it, under the same settings, a view that does nothing."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing.settings")

application = get_wsgi_application()
settings.ROOT_URLCONF = __name__

NOTHING = {"allowed": True}


def bare(request: HttpRequest) -> JsonResponse:
    return JsonResponse(NOTHING)


urlpatterns = [path("bare", bare), path("", include("billing.urls"))]
