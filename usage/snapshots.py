"""The JSON form of a state, to be kept and gone on from. Pure.

Quantities are decimal strings and instants are in UTC, so that nothing is rounded on the way.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from usage.grants import Rollover
from usage.quantities import in_utc, to_text
from usage.states import Account, End, Held, Slice, State, Window

# Raised with every change of the form. A snapshot of another form is not read; it is made again.
FORM = 1

_UNITS = ("granted", "fresh", "carried", "used", "held", "expired", "voided")


class AnotherForm(ValueError):
    """A snapshot was written in a form that is not read any more."""


def to_json(state: State) -> dict[str, Any]:
    """Write a state."""
    return {
        "form": FORM,
        "at": _instant(state.at),
        "window": _window(state.window),
        "accounts": {key: _account(account) for key, account in sorted(state.accounts.items())},
        "holds": {key: _held(held) for key, held in sorted(state.holds.items())},
        "use": to_text(state.use),
        "overage": to_text(state.overage),
        "unpaid": to_text(state.unpaid),
    }


def from_json(form: Mapping[str, Any]) -> State:
    """Read a state that ``to_json`` wrote.

    :raises AnotherForm: if it has another form
    """
    if form.get("form") != FORM:
        raise AnotherForm(f"this snapshot has form {form.get('form')}; {FORM} is read")
    return State(
        at=_read_instant(form["at"]),
        window=_read_window(form["window"]),
        accounts={key: _read_account(each) for key, each in form["accounts"].items()},
        holds={key: _read_held(each) for key, each in form["holds"].items()},
        use=Decimal(form["use"]),
        overage=Decimal(form["overage"]),
        unpaid=Decimal(form["unpaid"]),
    )


def _instant(at: datetime | None) -> str | None:
    return None if at is None else in_utc(at).isoformat()


def _read_instant(text: str) -> datetime:
    return in_utc(datetime.fromisoformat(text))


def _window(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    rollover = window.rollover
    return {
        "starts_at": _instant(window.starts_at),
        "ends_at": _instant(window.ends_at),
        "included": to_text(window.included),
        "given": to_text(window.given),
        "used": to_text(window.used),
        "rollover": None
        if rollover is None
        else {"most": to_text(rollover.most), "least": to_text(rollover.least)},
    }


def _read_window(form: Mapping[str, Any] | None) -> Window | None:
    if form is None:
        return None
    rollover = form["rollover"]
    return Window(
        starts_at=_read_instant(form["starts_at"]),
        ends_at=None if form["ends_at"] is None else _read_instant(form["ends_at"]),
        included=Decimal(form["included"]),
        given=Decimal(form["given"]),
        used=Decimal(form["used"]),
        rollover=None
        if rollover is None
        else Rollover(Decimal(rollover["most"]), Decimal(rollover["least"])),
    )


def _account(account: Account) -> dict[str, Any]:
    return {
        **{name: to_text(getattr(account, name)) for name in _UNITS},
        "rounds": account.rounds,
        "turn": account.turn,
        "carried_by_reset": account.carried_by_reset,
        "end": account.end,
    }


def _read_account(form: Mapping[str, Any]) -> Account:
    return Account(
        **{name: Decimal(form[name]) for name in _UNITS},
        rounds=form["rounds"],
        turn=form["turn"],
        carried_by_reset=form["carried_by_reset"],
        end=None if form["end"] is None else End(form["end"]),
    )


def _held(held: Held) -> dict[str, Any]:
    return {
        "at": _instant(held.at),
        "expires_at": _instant(held.expires_at),
        "quantity": to_text(held.quantity),
        "slices": [
            {
                "grant_id": each.grant_id,
                "quantity": to_text(each.quantity),
                "rounds": each.rounds,
                "carried": each.carried,
            }
            for each in held.slices
        ],
    }


def _read_held(form: Mapping[str, Any]) -> Held:
    return Held(
        at=_read_instant(form["at"]),
        expires_at=_read_instant(form["expires_at"]),
        quantity=Decimal(form["quantity"]),
        slices=tuple(
            Slice(
                grant_id=each["grant_id"],
                quantity=Decimal(each["quantity"]),
                rounds=each["rounds"],
                carried=each["carried"],
            )
            for each in form["slices"]
        ),
    )
