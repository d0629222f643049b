"""Where product services may be: what the operator's settings allow."""

from functools import cache
from ipaddress import ip_network

from django.conf import settings

from core.outbound import OperatorPolicy


@cache
def operator_policy() -> OperatorPolicy:
    """Return the policy under which product services are called."""
    return OperatorPolicy(
        hosts=frozenset(settings.PRODUCT_SERVICE_HOSTS),
        networks=tuple(ip_network(each) for each in settings.PRODUCT_SERVICE_NETWORKS),
        allow_http_loopback=settings.PRODUCT_SERVICE_HTTP_ON_LOOPBACK,
    )
