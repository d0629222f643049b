"""What texts look like, written once: the checks and the JSON Schemas both read it here."""

import re
from typing import Any

import iso4217

KEY_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$"
CONTROL = r"\u0000-\u001f\u007f-\u009f"
SPACES = r"\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
HAS_CONTROL = re.compile(f"[{CONTROL}]")
ALL_BLANK = re.compile(f"[{SPACES}]*")
# Every day from 1970 to 2200 that exists, and no other: 29 February only in leap years.
_DATE = (
    "(?:(?:19[7-9][0-9]|20[0-9]{2}|21[0-9]{2}|2200)-"
    "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    "|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    "|(?:19(?:7[26]|8[048]|9[26])|20(?:[02468][048]|[13579][26])"
    "|21(?:0[48]|[2468][048]|[13579][26]))-02-29)"
)
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
INSTANT = re.compile(rf"({_DATE}T{_CLOCK}:[0-5][0-9])(\.[0-9]{{1,6}})?(Z|[+-]{_CLOCK})", re.ASCII)
_WHOLE_SECOND_PATTERN = rf"^{_DATE}T{_CLOCK}:[0-5][0-9](?:\.0{{1,6}})?(?:Z|[+-]{_CLOCK})$"
_PRECISE_PATTERN = rf"^{_DATE}T{_CLOCK}:[0-5][0-9](?:\.[0-9]{{1,6}})?(?:Z|[+-]{_CLOCK})$"
DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,12})?", re.ASCII)
ASCII_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", re.ASCII)
CURRENCIES = frozenset(
    str(currency.code) for currency in iso4217.Currency if currency.exponent is not None
)

SHARED_SCHEMAS: dict[str, dict[str, Any]] = {
    "Instant": {
        "type": "string",
        "format": "date-time",
        "pattern": _WHOLE_SECOND_PATTERN,
        "description": "A whole second from 1970 to 2200, with its offset; answered in UTC.",
        "examples": ["2025-01-31T09:00:00Z"],
    },
    "PreciseInstant": {
        "type": "string",
        "format": "date-time",
        "pattern": _PRECISE_PATTERN,
        "description": "An instant from 1970 to 2200, with its offset; answered in UTC.",
        "examples": ["2025-01-31T09:00:00.25Z"],
    },
    "CurrencyCode": {
        "type": "string",
        "enum": sorted(CURRENCIES),
        "description": "A currency of ISO 4217 that has a minor unit.",
    },
}


def ref(name: str) -> dict[str, Any]:
    """Return the schema that stands for a shared one."""
    return {"$ref": f"#/components/schemas/{name}"}
