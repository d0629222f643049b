"""The facts this app publishes."""

from core.events import EventType

CUSTOMER_CREATED = EventType(
    "customer.created",
    "A customer exists.",
    {"plans": "plan chosen by the caller instead of a product's default: {product: plan}"},
)
CUSTOMER_UPDATED = EventType(
    "customer.updated", "A customer's profile or key changed.", {"fields": "names of what changed"}
)
PAYMENT_METHOD_CHANGED = EventType(
    "customer.payment_method_changed",
    "A customer has a payment method now, or has none any more.",
    {"on_file": "whether there is one"},
)
CUSTOMER_CLOSED = EventType(
    "customer.closed", "A customer was closed; everything it had ended with it."
)
SUBJECT_CREATED = EventType(
    "subject.created",
    "A customer has a new subject.",
    {
        "kind": "what it is, such as zone",
        "plans": "plan chosen by the caller instead of a product's default: {product: plan}",
    },
)
SUBJECT_ENDED = EventType("subject.ended", "A subject ended; everything it had ended with it.")

EVENT_TYPES = (
    CUSTOMER_CREATED,
    CUSTOMER_UPDATED,
    PAYMENT_METHOD_CHANGED,
    CUSTOMER_CLOSED,
    SUBJECT_CREATED,
    SUBJECT_ENDED,
)
