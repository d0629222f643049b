"""Where imported subscriptions come from."""

from django.db import models

from core import audit
from core.ids import primary_key
from customers.models import Customer
from subscriptions.models import Subscription


class Import(models.Model):
    """One subscription that was brought from another system, under the name it has there.

    ``external_id`` makes a second import of the same one do nothing; ``digest`` is of what was said
    then, so that something else under that name is refused. ``at`` is the customer's time.
    """

    id = primary_key("imp")
    external_id = models.CharField(max_length=128, unique=True)
    digest = models.CharField(max_length=64)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="+")
    billed_through = models.DateTimeField(null=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        triggers = [*audit.triggers(), audit.append_only()]

    def __str__(self) -> str:
        return f"{self.external_id} as {self.subscription_id}"
