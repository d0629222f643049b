"""Where everything answers. The entitlement check comes first: it is asked most."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
