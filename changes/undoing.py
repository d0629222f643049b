"""The way back: operations that lead a subscription from what it is to what it was. Pure.

They are operations, so an undo is previewed and applied like any other change set.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.errors import Unprocessable

Standing = dict[str, Any]  # how a subscription stands: see changes.standing
Operation = dict[str, Any]
Planned = Mapping[str, Any]


class CannotBeUndone(Unprocessable):
    """There is no command that leads back: what ended for good does not live again."""

    code = "change_set_cannot_be_undone"


def way_back(before: Standing | None, now: Standing) -> list[Operation]:
    """Return the operations that undo a change; none if nothing is to be undone.

    ``before`` is None for a subscription that the change began: it ends at once, and what is not
    used of what was charged is credited.

    :raises CannotBeUndone: if no command leads back
    """
    if before is None:
        if now["state"] == "canceled":
            return []
        return [{"cancel": {"when": "now", "settlement": "credit"}}]
    if now["state"] == "canceled" and before["state"] != "canceled":
        raise CannotBeUndone("the subscription has ended for good")
    return [
        *({"lift": _which(each)} for each in _missing(now, before, "blocks")),
        *({"withdraw": _whichever(each)} for each in _missing(now, before, "overrides")),
        *_unscheduled(_missing(now, before, "pending")),
        *_resumed(before, now),
        *_changed_back(before, now),
        *_scheduled(_missing(before, now, "pending")),
        *({"block": _placed(each)} for each in _missing(before, now, "blocks")),
        *({"override_back": _given(each)} for each in _missing(before, now, "overrides")),
    ]


def to_lead_back_to(
    before: Standing | None, after: Standing | None, now: Standing
) -> Standing | None:
    """Return what was before a change, with what others have given the owner since: only what the
    change itself gave, or took the place of, is led back."""
    if before is None or after is None:
        return before
    gave, ended = _missing(after, before, "overrides"), _missing(before, after, "overrides")
    kept = [each for each in now["overrides"] if each not in gave]
    return {**before, "overrides": [*kept, *(each for each in ended if each not in kept)]}


def rest_of_the_way(before: Standing | None, now: Standing) -> list[Operation]:
    """Return what is left to do after ``way_back``: what periods are counted from, if the change
    back has not brought that back, and a pause."""
    if before is None or now["state"] == "canceled":
        return []
    return [*_counted_back(before, now), *_paused(before, now)]


def _counted_back(before: Standing, now: Standing) -> Iterator[Operation]:
    if now["paused_since"] is not None:
        return
    if before["zone"] != now["zone"]:
        yield {"anchor": {"zone": before["zone"]}}
    elif (before["anchor"], before["anchor_day"]) != (now["anchor"], now["anchor_day"]):
        day = before["anchor_day"]
        yield {"anchor": {"at": before["anchor"]} if day is None else {"day_of_month": day}}


def _paused(before: Standing, now: Standing) -> Iterator[Operation]:
    if before["paused_since"] is not None and now["paused_since"] is None:
        yield {"pause": {"mode": before["pause_mode"]}}


def _resumed(before: Standing, now: Standing) -> Iterator[Operation]:
    if before["paused_since"] is None and now["paused_since"] is not None:
        yield {"resume": {}}


def _changed_back(before: Standing, now: Standing) -> Iterator[Operation]:
    """By the rule, who changes the version gives up what limits were kept; so those are named."""
    wanted: dict[str, Any] = {}
    if (before["plan_version"], before["interval"]) != (now["plan_version"], now["interval"]):
        wanted |= {name: before[name] for name in ("plan", "plan_version", "interval")}
    if before["quantity"] != now["quantity"]:
        wanted["quantity"] = before["quantity"]
    add_ons = {
        key: before["add_ons"].get(key, 0)
        for key in sorted(before["add_ons"].keys() | now["add_ons"].keys())
        if before["add_ons"].get(key, 0) != now["add_ons"].get(key, 0)
    }
    if add_ons:
        wanted["add_ons"] = add_ons
    if not wanted:
        return
    back = {**wanted, "timing": "now", "settlement": "credit", "keep_pending": True}
    kept = before["limits_kept_from"]
    yield {"change_back": {**back, "limits_of": kept}} if kept else {"change": back}


def _missing(of: Standing, in_: Standing, name: str) -> list[Planned]:
    return [each for each in of[name] if each not in in_[name]]


def _which(block: Planned) -> dict[str, Any]:
    return {"name": block["name"], "since": block["from"]}


def _whichever(override: Planned) -> dict[str, Any]:
    return {"feature": override["feature"], "since": override["from"]}


def _given(override: Planned) -> dict[str, Any]:
    until = {"expires_at": override["until"]} if override["until"] else {}
    return {name: override[name] for name in ("feature", "mode", "value")} | until


def _placed(block: Planned) -> dict[str, Any]:
    given = {name: block[name] for name in ("until", "public_reason") if block[name]}
    return {"name": block["name"], "effects": block["effects"], **given}


def _unscheduled(planned: Sequence[Planned]) -> Iterator[Operation]:
    """With an end goes the end of billing."""
    kinds = {each["kind"] for each in planned}
    for each in planned:
        if each["kind"] == "billing_end" and "end" in kinds:
            continue
        key = {"add_on": each["add_on"]} if each["add_on"] else {}
        yield {"unschedule": {"kind": each["kind"], **key}}


def _scheduled(planned: Sequence[Planned]) -> Iterator[Operation]:
    """:raises CannotBeUndone: for what no operation plans"""
    billing_end = next((each for each in planned if each["kind"] == "billing_end"), None)
    billed = {"billing_end": billing_end["effective_at"]} if billing_end else {}
    for each in planned:
        if each["kind"] == "end":
            yield {"cancel": {**_ending(each), **billed}}
        elif each["kind"] != "billing_end":
            yield _planned(each)


def _ending(planned: Planned) -> dict[str, Any]:
    settlement = {"settlement": planned["settlement"]} if planned["settlement"] else {}
    if planned["with_period"]:
        return {"when": "period_end", **settlement}
    return {"access_end": planned["effective_at"], **settlement}


def _planned(planned: Planned) -> Operation:
    at, details = planned["effective_at"], planned["details"]
    change = {"timing": "period_end"} if planned["with_period"] else {"effective_at": at}
    match planned["kind"]:
        case "plan":
            leads_to = {name: planned[name] for name in ("plan", "plan_version", "interval")}
            name = "keep_higher_limits"
            kept = {name: True} if name in details else {}
            return {"change": {**leads_to, **change, **kept}}
        case "quantity":
            return {"change": {"quantity": planned["quantity"], **change}}
        case "add_on":
            return {"change": {"add_ons": {planned["add_on"]: planned["quantity"]}, **change}}
        case "pause":
            return {"pause": {"mode": details["pause_mode"], "at": at}}
        case "resume":
            return {"resume": {"at": at}}
        case "anchor" if "zone" in details:
            return {"anchor": {"zone": details["zone"]}}
        case "anchor":
            return {"anchor": {"at": at}}
        case kind:
            raise CannotBeUndone(f"a planned {kind} that this took away cannot be planned again")
