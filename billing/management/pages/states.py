"""The states of things, from the tables and enumerations that decide them. Pure."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from billing.management.pages import markdown
from customers.models import ClockStatus
from entitlements import overrides
from plans.models import VersionStatus
from provisioning.documents import State as DocumentState
from subscriptions.models import ChangeKind, ChangeStatus
from subscriptions.states import ENTITLED, TRANSITIONS, Action, State

Member = TypeVar("Member", bound=str)

_STATES: Mapping[State, str] = {
    State.PENDING: "it is agreed and has not begun: nothing is granted or charged",
    State.TRIALING: "a trial runs",
    State.ACTIVE: "the agreement holds",
    State.PAST_DUE: "a payment failed and is still being tried",
    State.PAUSED: "nothing is charged until it goes on; the plan says whether it still grants",
    State.CANCELED: "it has ended for good",
}
_ACTIONS: Mapping[Action, str] = {
    Action.START: "what was agreed for later begins",
    Action.START_TRIAL: "it begins, or becomes a paid plan, with a trial",
    Action.CHANGE: "another plan, version, interval, quantity or add-on; a fallback too",
    Action.RENEW: "the next period begins",
    Action.CONVERT: "a trial ends and the paid time begins",
    Action.FAIL_PAYMENT: "a payment fails",
    Action.RECOVER: "what was open is paid",
    Action.PAUSE: "it is paused",
    Action.RESUME: "it goes on",
    Action.RESUME_TRIAL: "a trial that was paused goes on",
    Action.RESUME_PAST_DUE: "one that was past due when it was paused goes on",
    Action.FALL_BACK: "what was unpaid for too long moves to the fallback plan",
    Action.RESTORE: "what had fallen back is brought back",
    Action.END: "it ends and there is no plan to fall back to, or its owner has ended",
}
_KINDS: Mapping[ChangeKind, str] = {
    ChangeKind.START: "the beginning of access",
    ChangeKind.BILLING_START: "the beginning of billing, after that of access",
    ChangeKind.PLAN: "another plan, version or interval",
    ChangeKind.QUANTITY: "another quantity",
    ChangeKind.ADD_ON: "more or less of an add-on, or its end; one per add-on",
    ChangeKind.END: "the fallback plan or, where the product has none, the end",
    ChangeKind.BILLING_END: "the end of billing, before that of access",
    ChangeKind.PAUSE: "a pause",
    ChangeKind.RESUME: "the end of a pause",
    ChangeKind.ANCHOR: "another anchor, or another zone",
}
_STATUSES: Mapping[ChangeStatus, str] = {
    ChangeStatus.PENDING: "agreed, and still to come",
    ChangeStatus.APPLIED: "its instant came, and it happened",
    ChangeStatus.REPLACED: "a later change was agreed in its place",
    ChangeStatus.CANCELED: "it was taken back",
    ChangeStatus.SUPERSEDED: "something that came before it made it void: a change that acted at "
    "once, a cancellation, an end",
}
_DOCUMENTS: Mapping[DocumentState, str] = {
    DocumentState.ACTIVE: "something is granted",
    DocumentState.SUSPENDED: "everything is denied: nothing is left and the data is kept until "
    "`delete_after`, or what is listed is blocked or paused",
    DocumentState.DELETED: "the owner has ended; the document is empty",
}
_VERSIONS: Mapping[VersionStatus, str] = {
    VersionStatus.DRAFT: "can be changed and cannot be sold",
    VersionStatus.PUBLISHED: "can be sold from its instant on and never changes again",
    VersionStatus.ARCHIVED: "no longer sold; its subscribers keep it",
}
_CLOCKS: Mapping[ClockStatus, str] = {
    ClockStatus.READY: "stands still and takes commands",
    ClockStatus.ADVANCING: "workers move it; commands of its customers answer 409 "
    "`clock_advancing`",
}


def page() -> str:
    """Return the page."""
    return markdown.page(
        [
            "# States",
            "",
            "`manage.py reference` writes this page from the code.",
            *_subscriptions(),
            *_pending_changes(),
            "",
            "## Documents of product services",
            "",
            "What a target's document says (`provisioning.documents.State`).",
            "",
            *_meanings("state", DocumentState, _DOCUMENTS),
            "",
            "## Overrides",
            "",
            "`entitlements.overrides.State`: read from the dates of an override, in the now of",
            "its customer.",
            "",
            *_meanings("state", overrides.State, overrides.MEANINGS),
            "",
            "## Plan versions",
            "",
            "`plans.models.VersionStatus`; those of add-ons have the same.",
            "",
            *_meanings("status", VersionStatus, _VERSIONS),
            "",
            "## Test clocks",
            "",
            "`customers.models.ClockStatus`.",
            "",
            *_meanings("status", ClockStatus, _CLOCKS),
        ]
    )


def _subscriptions() -> list[str]:
    return [
        "",
        "## Subscriptions",
        "",
        "`subscriptions.states.TRANSITIONS`; what is not in it answers 409",
        "`transition_not_allowed`. An announced cancellation is no state: it is a pending change",
        "of kind `end`.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        *_arrows(),
        "```",
        "",
        *markdown.table(
            ("state", "meaning", "grants what its plan holds"),
            [(f"`{each}`", _STATES[each], "yes" if each in ENTITLED else "no") for each in State],
        ),
        "",
        "What follows, by state and action; an empty field is not allowed:",
        "",
        *markdown.table(
            ("", *(f"`{each}`" for each in Action)),
            [(f"`{state}`", *(_following(state, each) for each in Action)) for state in State],
        ),
        "",
        *_meanings("action", Action, _ACTIONS),
    ]


def _pending_changes() -> list[str]:
    outcomes = [each for each in ChangeStatus if each != ChangeStatus.PENDING]
    return [
        "",
        "## Pending changes",
        "",
        "A change that was agreed for later is a row of its own. A subscription has at most one",
        "pending change of each kind.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> pending: agreed",
        *(f"    pending --> {each.value}" for each in outcomes),
        *(f"    {each.value} --> [*]" for each in outcomes),
        "```",
        "",
        *_meanings("kind", ChangeKind, _KINDS, "leads to"),
        "",
        *_meanings("status", ChangeStatus, _STATUSES),
    ]


def _arrows() -> list[str]:
    labels: dict[tuple[State, State], list[str]] = {}
    for (state, action), following in TRANSITIONS.items():
        labels.setdefault((state, following), []).append(action.value)
    arrows = [
        f"    {state.value} --> {following.value}: {', '.join(actions)}"
        for (state, following), actions in labels.items()
    ]
    starts = [f"    [*] --> {State.ACTIVE.value}: subscribe"]
    ends = [f"    {State.CANCELED.value} --> [*]"]
    return [*starts, *arrows, *ends]


def _following(state: State, action: Action) -> str:
    following = TRANSITIONS.get((state, action))
    return "" if following is None else f"`{following}`"


def _meanings(
    head: str, members: Iterable[Member], meanings: Mapping[Member, str], what: str = "meaning"
) -> list[str]:
    """List every member of an enumeration, so that a new one cannot be left out."""
    return markdown.table((head, what), [(f"`{each}`", meanings[each]) for each in members])
