"""Query parameters that questions about entitlements share."""

from core.api.fields import Instant, Quantity, Reference, Text
from core.api.operations import Parameter

CUSTOMER = Parameter(
    "customer",
    Reference("cus", required=False),
    "The customer, by id or key. Not needed with a subject's id.",
)
SUBJECT = Parameter(
    "subject",
    Reference("sbj", required=False),
    "The subject, by its id, or by its key together with its customer.",
)
SUBJECT_OF = Parameter(
    "subject", Reference("sbj", required=False), "A subject of the customer, by id or key."
)
FEATURE = Parameter("feature", Reference("ftr"), "The feature, by key or id.", required=True)
QUANTITY = Parameter(
    "quantity",
    Quantity(required=False),
    "How much more is asked for, of a limit or an allowance; 1 unless given.",
)
AT_LEAST = Parameter(
    "at_least",
    Text(max_length=32 * 1024, required=False),
    "A revision token: the answer is at least as new as the change that gave it.",
)
AT = Parameter(
    "at",
    Instant(required=False),
    "Another instant of the customer's time, past or future, as known now.",
)
FROM = Parameter(
    "from", Instant(required=False), "An instant of the customer's time.", required=True
)
TO = Parameter(
    "to", Instant(required=False), "Another one, as known now; usually later.", required=True
)
