"""What constraints and queries say of instants, as SQL."""

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Func


class TimeRange(Func):
    """``[start, end)``; without an end it never ends."""

    function = "tstzrange"
    output_field = DateTimeRangeField()


class InWholeSeconds(Func):
    """Whether an instant has no fraction; true where there is none."""

    template = "coalesce(date_trunc('second', %(expressions)s) = %(expressions)s, true)"
    output_field = models.BooleanField()
