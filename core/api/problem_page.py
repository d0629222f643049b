"""The page that a problem's ``type`` leads to."""

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join

from core.api import problem_catalogue


def problem_page(request: HttpRequest) -> HttpResponse:
    """Show every problem; served at ``/docs/problems``."""
    return HttpResponse(_html())


@cache
def _html() -> str:
    rows = format_html_join(
        "\n",
        '<tr id="{}"><td><code>{}</code></td><td>{}</td><td>{}</td></tr>',
        (
            (each.code, each.code, each.status, each.meaning)
            for each in problem_catalogue.problems()
        ),
    )
    return format_html(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Problems</title>'
        "<h1>Problems</h1><table><thead><tr><th>Code</th><th>Status</th><th>Meaning</th></tr>"
        "</thead><tbody>\n{}\n</tbody></table></html>",
        rows,
    )
