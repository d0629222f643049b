from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin
from customers import turns
from customers.models import Customer, CustomerProfile, Subject, TestClock


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "key", "profile", "currency", "zone", "test_clock", "created_at", "closed_at",
        "parked_at",
    )  # fmt: skip
    list_filter = (
        ("parked_at", admin.EmptyFieldListFilter),
        ("closed_at", admin.EmptyFieldListFilter),
        ("test_clock", admin.EmptyFieldListFilter),
    )
    list_select_related = ("profile", "test_clock")
    id_search_fields = ("id", "test_clock")
    search_fields = ("key", "profile__name", "profile__email", "subjects__key")
    actions = ("retry", "unpark")

    @admin.action(description="Retry the due work of parked customers")
    def retry(self, request: HttpRequest, rows: QuerySet[Customer]) -> None:
        self.for_each(request, rows, lambda row: turns.retry(customer_id=row.id))

    @admin.action(description="Unpark: let the due work run again later")
    def unpark(self, request: HttpRequest, rows: QuerySet[Customer]) -> None:
        self.for_each(request, rows, lambda row: turns.unpark(customer_id=row.id))


@admin.register(CustomerProfile)
class CustomerProfileAdmin(ReadOnlyAdmin):
    list_display = ("customer", "name", "email")
    list_select_related = ("customer",)
    id_search_fields = ("customer", "id")
    search_fields = ("name", "email")


@admin.register(Subject)
class SubjectAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer", "key", "kind", "created_at", "ended_at")
    list_filter = ("kind", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("customer",)
    id_search_fields = ("id", "customer")
    search_fields = ("key", "customer__key")


@admin.register(TestClock)
class TestClockAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "frozen_at", "advancing_to", "created_at")
    search_fields = ("name",)
