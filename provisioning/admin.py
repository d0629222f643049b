"""The admin shows how far product services are, what each holds and every try to tell them."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.admin import ReadOnlyAdmin
from provisioning import documents, queries, services
from provisioning.documents import Desired
from provisioning.models import Attempt, ServiceConfiguration, ServiceSecret, Target

ATTEMPTS_SHOWN = 20


@admin.register(ServiceConfiguration)
class ServiceConfigurationAdmin(ReadOnlyAdmin):
    list_display = (
        "key", "status", "stopped_because", "waiting", "oldest_due", "dead_letters", "url",
        "sandbox",
    )  # fmt: skip
    list_filter = ("sandbox", ("paused_at", admin.EmptyFieldListFilter))
    list_select_related = ("service",)
    id_search_fields = ("id", "service")
    search_fields = ("service__key", "service__name", "url")
    named_by = ("service",)
    actions = ("pause", "resume", "retry_dead_letters", "resync")

    def name_of(self, row: ServiceConfiguration) -> str:
        return row.service.key

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceConfiguration]:
        return queries.with_lag(super().get_queryset(request))

    @admin.display(ordering="service__key")
    def key(self, row: ServiceConfiguration) -> str:
        return row.service.key

    @admin.display(description="waiting", ordering="waiting")
    def waiting(self, row: Any) -> int:
        return int(row.waiting)

    @admin.display(description="oldest due", ordering="oldest_due_at")
    def oldest_due(self, row: Any) -> Any:
        return row.oldest_due_at

    @admin.display(description="dead letters", ordering="dead_letters")
    def dead_letters(self, row: Any) -> int:
        return int(row.dead_letters)

    @admin.action(description="Pause")
    def pause(self, request: HttpRequest, rows: QuerySet[ServiceConfiguration]) -> None:
        self.for_each(request, rows, lambda row: services.pause_service(service_id=row.service_id))

    @admin.action(description="Resume")
    def resume(self, request: HttpRequest, rows: QuerySet[ServiceConfiguration]) -> None:
        self.for_each(request, rows, lambda row: services.resume_service(service_id=row.service_id))

    @admin.action(description="Try dead letters again")
    def retry_dead_letters(
        self, request: HttpRequest, rows: QuerySet[ServiceConfiguration]
    ) -> None:
        for row in rows:
            found = services.retry_dead_letters(service_id=row.service_id)
            messages.success(request, f"{row.service.key}: {found} are tried again")

    @admin.action(description="Send everything again")
    def resync(self, request: HttpRequest, rows: QuerySet[ServiceConfiguration]) -> None:
        for row in rows:
            found = services.resync_service(service_id=row.service_id)
            messages.success(request, f"{row.service.key}: {found} are sent again")


@admin.register(ServiceSecret)
class ServiceSecretAdmin(ReadOnlyAdmin):
    list_display = ("id", "configuration", "slot", "created_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    id_search_fields = ("id", "configuration")
    search_fields = ("configuration__service__key",)
    exclude = ("sealed",)


@admin.register(Target)
class TargetAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "service", "customer", "subject", "state", "desired_generation",
        "applied_generation", "attempts", "next_attempt_at", "dead_lettered_at", "problem",
    )  # fmt: skip
    list_filter = (
        "service",
        "state",
        ("next_attempt_at", admin.EmptyFieldListFilter),
        ("dead_lettered_at", admin.EmptyFieldListFilter),
    )
    id_search_fields = ("id", "customer", "subject", "service")
    search_fields = ("customer__key", "customer__profile__email", "subject__key", "problem")
    actions = ("resync",)
    fieldsets = (
        (None, {"fields": ("service", "customer", "subject", "state", "documents")}),
        (
            "Delivery",
            {
                "fields": (
                    "desired_generation",
                    "applied_generation",
                    "applied_at",
                    "problem",
                    "problem_detail",
                    "attempts",
                    "refusals",
                    "trying_since",
                    "next_attempt_at",
                    "lease_until",
                    "dead_lettered_at",
                    "ahead_of",
                )
            },
        ),
        ("Latest attempts", {"fields": ("latest_attempts",)}),
    )
    readonly_fields = ("documents", "latest_attempts")

    @admin.display(description="desired beside applied")
    def documents(self, target: Target) -> SafeString:
        applied = "nothing yet" if target.applied is None else _written(target, target.applied)
        return format_html(
            '<div style="display: flex; flex-wrap: wrap; gap: 2rem">'
            "<pre>{}</pre><pre>{}</pre></div>",
            _written(target, target.desired),
            applied,
        )

    @admin.display(description=f"the last {ATTEMPTS_SHOWN}, newest first")
    def latest_attempts(self, target: Target) -> SafeString:
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><pre>{}</pre></td>"
            "</tr>",
            (
                (
                    f"{attempt.started_at:%Y-%m-%d %H:%M:%S}",
                    attempt.generation,
                    attempt.outcome or "under way",
                    attempt.status or attempt.problem or "",
                    "" if attempt.elapsed_ms is None else f"{attempt.elapsed_ms} ms",
                    attempt.answer,
                )
                for attempt in target.history.order_by("-id")[:ATTEMPTS_SHOWN]
            ),
        )
        every = reverse("admin:provisioning_attempt_changelist")
        return format_html(
            "<table><tr><th>Started</th><th>Generation</th><th>Outcome</th><th>Status</th>"
            '<th>Took</th><th>Answer</th></tr>{}</table><a href="{}?q={}">All attempts</a>',
            rows,
            every,
            target.id,
        )

    @admin.action(description="Send again")
    def resync(self, request: HttpRequest, rows: QuerySet[Target]) -> None:
        self.for_each(request, rows, lambda row: services.resync(target_id=row.id))


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "target", "generation", "started_at", "outcome", "problem", "status", "elapsed_ms",
    )  # fmt: skip
    list_filter = ("outcome", "status")
    id_search_fields = ("target", "id")
    search_fields = ("problem", "target__customer__key", "target__subject__key")


def _written(target: Target, desired: Desired) -> str:
    document = documents.document(
        target_id=target.id, service=target.service.key, names=target.names, desired=desired
    )
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True)
