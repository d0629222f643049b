"""The API's description, at ``/openapi.yaml``."""

from functools import cache

from django.http import HttpRequest, HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer


def description_page(request: HttpRequest) -> HttpResponse:
    """Answer the whole description, whoever asks."""
    return HttpResponse(_yaml(), content_type=OpenApiYamlRenderer.media_type)


@cache
def _yaml() -> bytes:
    """Written once per process: it takes hundreds of milliseconds, and anybody may ask."""
    # drf-spectacular has no types here
    schema = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    written: bytes = OpenApiYamlRenderer().render(schema)  # type: ignore[no-untyped-call]
    return written
