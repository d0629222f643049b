"""The facts this app publishes."""

from core.events import EventType

CHARGED = EventType(
    "charge.created",
    "A subscription was charged or credited: all charges of one look at it.",
    {
        "subscription": "its id",
        "charges": "ids of the charges",
        "net": "their sum in minor units; negative in the customer's favour",
        "currency": "currency of the charges",
    },
)
CREDITED = EventType(
    "credit.given",
    "Something came onto a customer's credit balance.",
    {
        "credit": "id of the credit entry",
        "kind": "settlement or goodwill",
        "amount": "minor units",
        "currency": "its currency",
        "charge": "id of the charge that it is goodwill for, or null",
    },
)

EVENT_TYPES = (CHARGED, CREDITED)
