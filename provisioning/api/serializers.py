"""The shapes of product services, targets and attempts at the API."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import Instant, Integer, StrictBoolean, Text
from core.api.serializers import Input, Output
from plans.models import ProductService
from provisioning import documents, queries
from provisioning.documents import State
from provisioning.models import (
    DEFAULT_GRACE_DAYS,
    LONGEST_GRACE_DAYS,
    ServiceStatus,
    Target,
)

_URL = "Where it is: `https://host/path`, allowed by the operator. Documents go to paths below."
_SANDBOX = "Whether it also serves customers who live by test clocks."
_GRACE = "Days from the suspension of an owner to the date its data may be deleted."


class ConfigurationIn(Input):
    """All of a product service's configuration."""

    url = Text(max_length=2048, help_text=_URL)
    sandbox = StrictBoolean(default=False, help_text=_SANDBOX)
    grace_days = Integer(
        min_value=0, max_value=LONGEST_GRACE_DAYS, default=DEFAULT_GRACE_DAYS, help_text=_GRACE
    )


class ConfigurationChangeIn(Input):
    """What is to change of a product service's configuration."""

    url = Text(max_length=2048, required=False, help_text=_URL)
    sandbox = StrictBoolean(required=False, help_text=_SANDBOX)
    grace_days = Integer(
        min_value=0, max_value=LONGEST_GRACE_DAYS, required=False, help_text=_GRACE
    )


class SecretIn(Input):
    secret = Text(
        max_length=128,
        required=False,
        help_text="`whsec_` and 24 to 64 bytes in base64. Without it a fresh one is made.",
    )


class SecretOut(Output):
    """A signing secret, without the secret."""

    id = serializers.CharField()
    created_at = Instant(whole=False)


class NewSecretOut(SecretOut):
    """The only answer that ever shows the secret."""

    secret = serializers.CharField()


class ProductServiceOut(Output):
    """Everything but id, key and name is null until the service is configured."""

    id = serializers.CharField()
    key = serializers.CharField(help_text="Its key in the catalog.")
    name = serializers.CharField()
    status = serializers.ChoiceField(
        choices=list(ServiceStatus),
        source="configuration.status",
        allow_null=True,
        help_text="Documents are sent while it is `live` and has a secret to sign them with.",
    )
    url = serializers.CharField(source="configuration.url", allow_null=True)
    sandbox = serializers.BooleanField(source="configuration.sandbox", allow_null=True)
    grace_days = serializers.IntegerField(source="configuration.grace_days", allow_null=True)
    paused_at = Instant(whole=False, source="configuration.paused_at", allow_null=True)
    disabled_at = Instant(whole=False, source="configuration.disabled_at", allow_null=True)
    stopped_because = serializers.CharField(
        source="configuration.stopped_because",
        allow_null=True,
        help_text="Code of the answer that paused or disabled it, or `by staff`.",
    )
    secrets = serializers.SerializerMethodField(
        help_text="The live signing secrets; what they are is never shown again."
    )

    @extend_schema_field(SecretOut(many=True))
    def get_secrets(self, service: ProductService) -> list[dict[str, Any]]:
        configuration = getattr(service, "configuration", None)
        rows = [] if configuration is None else configuration.live_secrets
        return [dict(each) for each in SecretOut(rows, many=True).data]


class SentAgainOut(Output):
    targets = serializers.IntegerField(help_text="How many targets are sent again.")


class AppliedOut(Output):
    generation = serializers.IntegerField(source="applied_generation")
    hash = serializers.CharField(source="applied_hash")
    at = Instant(whole=False, source="applied_at")


class TargetOut(Output):
    """How far a product service is with what one customer or subject may use there."""

    id = serializers.CharField()
    service = serializers.CharField(source="service.key")
    customer = serializers.CharField(source="customer_id")
    subject = serializers.CharField(source="subject_id", allow_null=True)
    status = serializers.SerializerMethodField(help_text="What the customer is told.")
    state = serializers.ChoiceField(choices=list(State))
    generation = serializers.IntegerField(source="desired_generation", help_text="The newest.")
    hash = serializers.CharField(source="desired_hash")
    applied = serializers.SerializerMethodField(
        help_text="What the service has confirmed; null: nothing yet."
    )
    lagging = serializers.BooleanField(source="is_lagging")
    attempts = serializers.IntegerField(help_text="Tries in a row that did not apply it.")
    next_attempt_at = Instant(whole=False, allow_null=True)
    leased_until = Instant(
        whole=False,
        source="lease_until",
        allow_null=True,
        help_text="A worker has it until then at most.",
    )
    dead_lettered_at = Instant(
        whole=False, allow_null=True, help_text="When it was given up; null: it was not."
    )
    problem = serializers.CharField(help_text="Code of what went wrong last; empty: nothing.")
    problem_detail = serializers.CharField()
    ahead_of = serializers.IntegerField(
        allow_null=True,
        help_text="A generation that the service held although it was never sent.",
    )
    created_at = Instant(whole=False)

    def get_status(self, target: Target) -> str:
        return str(queries.status(target))

    @extend_schema_field(AppliedOut(allow_null=True))
    def get_applied(self, target: Target) -> dict[str, Any] | None:
        return None if target.applied is None else dict(AppliedOut(target).data)


class TargetDetailOut(TargetOut):
    """With the document that is desired and the one that was applied."""

    document = serializers.SerializerMethodField(help_text="As it is sent.")
    applied_document = serializers.SerializerMethodField(
        help_text="As the service confirmed it; null: nothing yet."
    )

    def get_document(self, target: Target) -> dict[str, Any]:
        return _document(target, target.desired)

    def get_applied_document(self, target: Target) -> dict[str, Any] | None:
        return None if target.applied is None else _document(target, target.applied)


class AttemptOut(Output):
    """One try to send a document. An answer is untrusted text, escaped and cut."""

    id = serializers.CharField()
    target = serializers.CharField(source="target_id")
    generation = serializers.IntegerField()
    hash = serializers.CharField()
    url = serializers.CharField()
    started_at = Instant(whole=False)
    elapsed_ms = serializers.IntegerField(allow_null=True)
    outcome = serializers.CharField(
        help_text="Empty: it is under way; `lost`: its worker died before it could say."
    )
    problem = serializers.CharField()
    status = serializers.IntegerField(allow_null=True, help_text="Null: no answer.")
    answer = serializers.CharField()


class CustomerTargetOut(Output):
    """How one part of what a customer has is set up, in words for the customer."""

    id = serializers.CharField()
    service = serializers.CharField(source="service.key")
    subject = serializers.CharField(source="subject_id", allow_null=True)
    status = serializers.SerializerMethodField()
    message = serializers.SerializerMethodField()
    applied_at = Instant(whole=False, allow_null=True)

    @extend_schema_field(serializers.ChoiceField(choices=list(queries.Status)))
    def get_status(self, target: Target) -> str:
        return str(queries.status(target))

    def get_message(self, target: Target) -> str:
        return queries.MESSAGES[queries.status(target)]


def _document(target: Target, desired: documents.Desired) -> dict[str, Any]:
    return documents.document(
        target_id=target.id, service=target.service.key, names=target.names, desired=desired
    )
