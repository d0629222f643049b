"""What is held, for people and for programs."""

import json
from datetime import datetime
from html import escape
from typing import Any

from examples.product_service.store import Held

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5">
<title>{name}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem; color: #1c2530; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .8rem; }}
td {{ border-top: 1px solid #d5dce4; }}
code {{ font-size: 90%; }}
.suspended {{ color: #9a5b00; }}
.deleted {{ color: #7a7f87; }}
.over {{ text-decoration: line-through; }}
</style>
<h1>{name}</h1>
<p>{count} held. Features that are not listed may not be used. <a href="/held">As JSON</a></p>
<table>
<tr>
<th>Customer</th><th>Subject</th><th>May use</th><th>State</th><th>Generation</th><th>Applied</th>
</tr>
{rows}
</table>
</html>
"""


def held_as_json(held: list[Held], at: datetime) -> dict[str, Any]:
    """Return which customer and subject may do what at an instant."""
    return {"as_of": at.isoformat(), "data": [_entry(each, at) for each in held]}


def held_as_html(held: list[Held], at: datetime, *, name: str) -> str:
    """Return the same as a page that looks again by itself."""
    rows = "\n".join(_row(each, at) for each in held)
    count = f"{len(held)} target{'' if len(held) == 1 else 's'}"
    return _PAGE.format(name=escape(name), count=count, rows=rows)


def _entry(held: Held, at: datetime) -> dict[str, Any]:
    document = held.document
    return {
        "target": document.target,
        "service": document.service,
        "customer": dict(document.customer),
        "subject": None if document.subject is None else dict(document.subject),
        "state": document.state,
        "delete_after": document.delete_after and document.delete_after.isoformat(),
        "blocks": list(document.blocks),
        "allowed": {key: each.value for key, each in document.allowed(at).items()},
        "entitlements": dict(held.form["entitlements"]),
        "generation": document.generation,
        "hash": document.hash,
        "applied_at": held.applied_at.isoformat(),
    }


def _row(held: Held, at: datetime) -> str:
    document = held.document
    allowed = document.allowed(at)
    features = "<br>".join(
        f'<span class="{"" if key in allowed else "over"}">{escape(key)} = '
        f"<code>{escape(json.dumps(each.value))}</code></span>"
        + (f" until {escape(each.until.isoformat())}" if each.until else "")
        for key, each in sorted(document.entitlements.items())
    )
    cells = [
        _named(document.customer),
        "" if document.subject is None else _named(document.subject),
        features or "nothing",
        f'<span class="{document.state}">{document.state}</span>'
        + (f"<br>until {document.delete_after:%Y-%m-%d}" if document.delete_after else ""),
        str(document.generation),
        f"{held.applied_at:%Y-%m-%d %H:%M:%S}",
    ]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _named(owner: Any) -> str:
    key = owner["key"]
    return f"{escape(key)}<br><code>{escape(owner['id'])}</code>" if key else escape(owner["id"])
