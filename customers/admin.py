from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin
from customers import turns
from customers.models import Customer, CustomerProfile, Subject, TestClock


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "key", "name", "email", "currency", "test_clock", "created_at", "closed_at",
        "parked_at",
    )  # fmt: skip
    list_filter = (
        ("parked_at", admin.EmptyFieldListFilter),
        ("closed_at", admin.EmptyFieldListFilter),
        ("test_clock", admin.EmptyFieldListFilter),
    )
    list_select_related = ("profile",)
    id_search_fields = ("id", "test_clock")
    search_fields = ("key", "profile__name", "profile__email", "subjects__key")
    actions = ("retry", "unpark")

    @admin.display(ordering="profile__name")
    def name(self, row: Customer) -> str:
        return row.profile.name

    @admin.display(ordering="profile__email", description="e-mail")
    def email(self, row: Customer) -> str:
        return row.profile.email

    @admin.action(description="Retry the due work of parked customers")
    def retry(self, request: HttpRequest, rows: QuerySet[Customer]) -> None:
        self.for_each(request, rows, lambda row: turns.retry(customer_id=row.id))

    @admin.action(description="Unpark: let the due work run again later")
    def unpark(self, request: HttpRequest, rows: QuerySet[Customer]) -> None:
        self.for_each(request, rows, lambda row: turns.unpark(customer_id=row.id))


@admin.register(CustomerProfile)
class CustomerProfileAdmin(ReadOnlyAdmin):
    list_display = ("customer", "name", "email")
    id_search_fields = ("customer", "id")
    search_fields = ("name", "email", "customer__key")


@admin.register(Subject)
class SubjectAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer", "key", "kind", "created_at", "ended_at")
    list_filter = ("kind", ("ended_at", admin.EmptyFieldListFilter))
    id_search_fields = ("id", "customer")
    search_fields = ("key", "customer__key", "customer__profile__email")


@admin.register(TestClock)
class TestClockAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "frozen_at", "advancing_to", "created_at")
    search_fields = ("name",)

    def name_of(self, row: TestClock) -> str:
        return row.name or row.id
