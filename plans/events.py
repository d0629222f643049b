"""The facts that this app publishes. They belong to no customer."""

from core.events import EventType

CATALOG_APPLIED = EventType(
    "catalog.applied",
    "A catalog document was applied and changed something.",
    {
        "created": "pointers of the objects that are new",
        "updated": "pointers of the objects that changed",
        "new_versions": "pointers of the plans and add-ons that have a new version",
    },
)
PLAN_VERSION_PUBLISHED = EventType(
    "plan_version.published",
    "A version of a plan can be sold from now on, or from its instant.",
    {
        "plan": "key of the plan",
        "version": "identifier of the version",
        "number": "its number within the plan",
        "effective_from": "the instant it is sold from; null: since always",
        "private": "whether it is for named customers only",
    },
)
PLAN_VERSION_ARCHIVED = EventType(
    "plan_version.archived",
    "A version of a plan is no longer sold. Subscribers keep it.",
    {
        "plan": "key of the plan",
        "version": "identifier of the version",
        "number": "its number within the plan",
    },
)
ADD_ON_VERSION_PUBLISHED = EventType(
    "add_on_version.published",
    "A version of an add-on can be sold from now on, or from its instant.",
    {
        "add_on": "key of the add-on",
        "version": "identifier of the version",
        "number": "its number within the add-on",
        "effective_from": "the instant it is sold from; null: since always",
    },
)

EVENT_TYPES: tuple[EventType, ...] = (
    CATALOG_APPLIED,
    PLAN_VERSION_PUBLISHED,
    PLAN_VERSION_ARCHIVED,
    ADD_ON_VERSION_PUBLISHED,
)
