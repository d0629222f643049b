"""How the console's pages write instants, states and forms."""

from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.money import Money

register = template.Library()

# What a word says about the row beside it; other words are neutral.
_GOOD = frozenset({"active", "applied", "live", "open", "ready"})
_WAITING = frozenset({"trialing", "pending", "past due", "paused", "suspended", "advancing"})
_BAD = frozenset({"failed", "parked", "disabled", "not called"})


@register.filter
def instant(at: datetime | None) -> SafeString | str:
    """Write an instant in UTC to the second, readable by machines too."""
    if at is None:
        return "—"
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{}</time>', f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M:%S}"
    )


@register.filter
def money(amount: Money) -> str:
    """Write an amount in major units with its currency: ``25.00 USD``."""
    return f"{amount.to_major()} {amount.currency}"


@register.filter
def badge(word: Any) -> SafeString:
    """Write a state as a small label in the colour of what it means."""
    text = str(word).replace("_", " ")
    tone = "neutral"
    for name, words in (("good", _GOOD), ("waiting", _WAITING), ("bad", _BAD)):
        if text in words:
            tone = name
    return format_html('<span class="c-badge c-{}">{}</span>', tone, text)


@register.inclusion_tag("console/parts/do.html", takes_context=True)
def do(context: template.Context, action: str, row: str, label: str) -> dict[str, Any]:
    """A button that runs one action on one row; nothing for staff who may not."""
    page = context["page"]
    return {
        "may": context["may"][action],
        "action": action,
        "row": row,
        "label": label,
        "customer": page.customer,
        "only": page.only,
        "csrf_token": context["csrf_token"],
    }
