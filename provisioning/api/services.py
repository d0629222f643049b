"""Product services: where they are, whether they are called, and their signing secrets."""

from typing import Any

from django.db.models import QuerySet

from core.api.lookups import find
from core.api.operations import Change, Changed, changes, lists, reads
from core.api.views import ApiRequest, ApiView
from core.outbound import DestinationRefused
from core.principals import LimitedCaller, Scope
from plans.models import ProductService
from provisioning import queries, services
from provisioning.api import examples
from provisioning.api.serializers import (
    ConfigurationChangeIn,
    ConfigurationIn,
    NewSecretOut,
    ProductServiceOut,
    SecretIn,
    SentAgainOut,
)
from provisioning.services import (
    MalformedSecret,
    SecretNotFound,
    ServiceNotConfigured,
    ServiceNotFound,
    ServiceUrlMissing,
    ServiceUrlNotABase,
    TooManySecrets,
)

TAG = "product services"
_ADDRESS = (ServiceNotFound, LimitedCaller, DestinationRefused, ServiceUrlNotABase)
_OPERATING = (ServiceNotFound, LimitedCaller, ServiceNotConfigured)


def find_service(reference: str, request: ApiRequest) -> ProductService:
    """:raises ServiceNotFound: if there is none that the caller may see"""
    return find(
        queries.services(request.principal),
        reference,
        prefix="svc",
        missing=ServiceNotFound,
        principal=None,
    )


def _to_operate(reference: str, request: ApiRequest) -> str:
    """Return the identifier of the service that is named, for a caller who may operate it."""
    request.principal.require_unlimited()
    return str(find_service(reference, request).id)


def _changed(service_id: str, changes: tuple[tuple[str, Any, Any], ...] = ()) -> Changed:
    row = queries.services().get(pk=service_id)
    return Changed(row, changes=[Change(*each) for each in changes])


class ProductServices(ApiView):
    scopes = {"GET": Scope.PROVISIONING_READ}

    @lists(
        ProductServiceOut,
        tag=TAG,
        summary="List product services",
        description=(
            "All product services of the catalog, configured or not. A caller limited to a product "
            "service sees that one; a caller limited to a customer, none."
        ),
        response_example=examples.SERVICE,
    )
    def get(self, request: ApiRequest) -> QuerySet[ProductService]:
        return queries.services(request.principal)


class OneProductService(ApiView):
    scopes = {
        "GET": Scope.PROVISIONING_READ,
        "PUT": Scope.PROVISIONING_WRITE,
        "PATCH": Scope.PROVISIONING_WRITE,
    }

    @reads(
        ProductServiceOut,
        tag=TAG,
        summary="Get a product service",
        description="Where it is, whether it is sent documents, and its secrets, never their text.",
        problems=(ServiceNotFound,),
        response_example=examples.SERVICE,
    )
    def get(self, request: ApiRequest, service: str) -> ProductService:
        return find_service(service, request)

    @changes(
        ConfigurationIn,
        ProductServiceOut,
        tag=TAG,
        summary="Configure a product service",
        description=(
            "Says where the service is. Its first configuration, and a change of `sandbox`, give "
            "all owners their documents there. Documents are sent once it has a secret too."
        ),
        problems=_ADDRESS,
        request_example=examples.CONFIGURATION_IN,
        response_example=examples.SERVICE,
    )
    def put(self, request: ApiRequest, data: dict[str, Any], service: str) -> Changed:
        service_id = _to_operate(service, request)
        return _changed(service_id, services.configure_service(service_id=service_id, **data))

    @changes(
        ConfigurationChangeIn,
        ProductServiceOut,
        tag=TAG,
        summary="Change a product service's configuration",
        description="Only what is given changes.",
        problems=(*_ADDRESS, ServiceUrlMissing),
        request_example={"sandbox": True},
        response_example={**examples.SERVICE, "sandbox": True},
    )
    def patch(self, request: ApiRequest, data: dict[str, Any], service: str) -> Changed:
        service_id = _to_operate(service, request)
        return _changed(service_id, services.configure_service(service_id=service_id, **data))


class Pause(ApiView):
    scopes = {"POST": Scope.PROVISIONING_WRITE}

    @changes(
        None,
        ProductServiceOut,
        tag=TAG,
        summary="Pause a product service",
        description="Nothing is sent until it is resumed; documents are planned all the same.",
        problems=_OPERATING,
        request_example=examples.PAUSE,
        response_example={**examples.SERVICE, "status": "paused"},
    )
    def post(self, request: ApiRequest, data: dict[str, Any], service: str) -> Changed:
        service_id = _to_operate(service, request)
        services.pause_service(service_id=service_id)
        return _changed(service_id)


class Resume(ApiView):
    scopes = {"POST": Scope.PROVISIONING_WRITE}

    @changes(
        None,
        ProductServiceOut,
        tag=TAG,
        summary="Resume a product service",
        description="Paused or disabled, it is sent everything that waits, with all its tries.",
        problems=_OPERATING,
        request_example=examples.RESUME,
        response_example=examples.SERVICE,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], service: str) -> Changed:
        service_id = _to_operate(service, request)
        services.resume_service(service_id=service_id)
        return _changed(service_id)


class Disable(ApiView):
    scopes = {"POST": Scope.PROVISIONING_WRITE}

    @changes(
        None,
        ProductServiceOut,
        tag=TAG,
        summary="Disable a product service",
        description="For a service that takes nothing any more. An answer 410 does the same.",
        problems=_OPERATING,
        request_example=examples.DISABLE,
        response_example={**examples.SERVICE, "status": "disabled"},
    )
    def post(self, request: ApiRequest, data: dict[str, Any], service: str) -> Changed:
        service_id = _to_operate(service, request)
        services.disable_service(service_id=service_id)
        return _changed(service_id)


class Resync(ApiView):
    scopes = {"POST": Scope.PROVISIONING_WRITE}

    @changes(
        None,
        SentAgainOut,
        tag=TAG,
        summary="Send everything again",
        description=(
            "Sends the newest document of all the service's targets, whatever it is thought to "
            "hold: for a service that was restored from a backup."
        ),
        problems=_OPERATING,
        request_example=examples.RESYNC,
        response_example={"targets": 1200},
        matches=ProductServiceOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], service: str) -> Changed:
        service_id = _to_operate(service, request)
        return Changed({"targets": services.resync_service(service_id=service_id)})


class RetryDeadLetters(ApiView):
    scopes = {"POST": Scope.PROVISIONING_WRITE}

    @changes(
        None,
        SentAgainOut,
        tag=TAG,
        summary="Try again what was given up",
        description="All the service's dead letters are due at once, with all their tries.",
        problems=_OPERATING,
        request_example=examples.RETRY,
        response_example={"targets": 3},
        matches=ProductServiceOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], service: str) -> Changed:
        service_id = _to_operate(service, request)
        return Changed({"targets": services.retry_dead_letters(service_id=service_id)})


class Secrets(ApiView):
    scopes = {"POST": Scope.PROVISIONING_WRITE}

    @changes(
        SecretIn,
        NewSecretOut,
        status=201,
        tag=TAG,
        summary="Add a signing secret",
        description=(
            "Two can be live: every request then carries two signatures, so that the service can "
            "change from one to the other. The secret is answered here and never again."
        ),
        problems=(*_OPERATING, MalformedSecret, TooManySecrets),
        request_example={},
        response_example=examples.NEW_SECRET,
        matches=ProductServiceOut,
        answers_secret=True,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], service: str) -> Changed:
        service_id = _to_operate(service, request)
        return Changed(services.add_secret(service_id=service_id, secret=data.get("secret")))


class OneSecret(ApiView):
    scopes = {"DELETE": Scope.PROVISIONING_WRITE}

    @changes(
        None,
        None,
        status=204,
        tag=TAG,
        summary="Revoke a signing secret",
        description="Requests are signed with it no more. Without a secret nothing is sent.",
        problems=(*_OPERATING, SecretNotFound),
        matches=ProductServiceOut,
    )
    def delete(
        self, request: ApiRequest, data: dict[str, Any], service: str, secret: str
    ) -> Changed:
        service_id = _to_operate(service, request)
        services.revoke_secret(service_id=service_id, secret_id=secret)
        return Changed(None)
