"""Clients, their secrets, the keys that sign tokens, and the tokens that were taken back."""

from datetime import datetime
from typing import Self

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.contrib.postgres.fields.ranges import DateTimeRangeField
from django.db import models
from django.db.models import F, Func, Q

from core import audit
from core.ids import TypeIdField, primary_key
from customers.models import Customer
from identity.lifetimes import KEY_REMOVED_AFTER
from identity.scopes import SERVICE_SCOPES


def moves_directory() -> pgtrigger.Trigger:
    """Return the trigger that tells every process to read its directory again."""
    return pgtrigger.Trigger(
        name="directory_moves",
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        level=pgtrigger.Statement,
        func="""
            INSERT INTO identity_directoryversion (id, version) VALUES (1, gen_random_uuid())
            ON CONFLICT (id) DO UPDATE SET version = excluded.version;
            RETURN NULL;
        """,
    )


class Client(models.Model):
    """A program that calls us. What it may do is read here at every request, not in its token."""

    id = primary_key("cli")
    name = models.CharField(max_length=200)
    key = models.CharField(max_length=128, null=True, unique=True)  # noqa: DJ001 - absent, not ""
    scopes = ArrayField(models.CharField(max_length=64))
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="clients")
    product_service = models.CharField(max_length=128, null=True)  # noqa: DJ001 - absent, not ""
    tokens_from = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        triggers = [*audit.triggers(), moves_directory()]
        constraints = [
            models.CheckConstraint(condition=Q(scopes__len__gt=0), name="client_may_something"),
            models.CheckConstraint(
                condition=Q(product_service=None)
                | Q(scopes__contained_by=[str(scope) for scope in SERVICE_SCOPES]),
                name="client_keeps_to_its_service",
            ),
            models.CheckConstraint(
                condition=Q(disabled_at=None)
                | Q(tokens_from__isnull=False, tokens_from__gt=F("disabled_at")),
                name="client_disabled_with_its_tokens",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class ClientSecretQuerySet(models.QuerySet["ClientSecret"]):
    def unrevoked(self) -> Self:
        return self.filter(revoked_at=None)

    def live(self, *, at: datetime) -> Self:
        """Secrets that open the door at that instant."""
        return self.unrevoked().filter(Q(expires_at=None) | Q(expires_at__gt=at))


class ClientSecret(models.Model):
    """What a client proves itself with. The secret itself is shown once and kept nowhere.

    The digest is one SHA-256: the secret has 256 random bits, so there is nothing to guess that a
    slow hash would protect, and a slow hash here would be a way to keep our processors busy.
    A client has two slots, so that a new secret can be rolled out before the old one goes.
    """

    id = primary_key("sec")
    client = models.ForeignKey(Client, models.PROTECT, related_name="secrets")
    slot = models.PositiveSmallIntegerField()
    prefix = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ClientSecretQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers(customer="", personal=True)
        constraints = [
            models.UniqueConstraint(
                fields=["client", "slot"], name="client_secret_slot", condition=Q(revoked_at=None)
            ),
            models.CheckConstraint(condition=Q(slot__in=(1, 2)), name="client_secret_two_slots"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def signing(self, *, at: datetime) -> Self:
        """The one key that signs at that instant, or none before the first was made."""
        return self.filter(Q(not_after=None) | Q(not_after__gt=at), not_before__lte=at)

    def removed(self, *, at: datetime) -> Self:
        """Keys whose last token has expired."""
        return self.filter(not_after__lte=at - KEY_REMOVED_AFTER)


class KeyState(models.TextChoices):
    PUBLISHED = "published"
    SIGNING = "signing"
    RETIRED = "retired"
    REMOVED = "removed"


class SigningKey(models.Model):
    """An Ed25519 key. Its instants alone say what it does, so nothing has to run on time.

    It is published from the moment it exists, signs while ``not_before <= at < not_after``, and
    stays published until the last token it signed has expired. The database refuses two keys that
    sign at one instant.
    """

    id = primary_key("key")
    public_key = models.BinaryField(max_length=32)
    sealed_private_key = models.BinaryField(null=True)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        ordering = ["not_before"]
        triggers = [*audit.triggers(customer="", personal=True), moves_directory()]
        constraints = [
            ExclusionConstraint(
                name="signing_key_one_at_a_time",
                expressions=[
                    (
                        Func(
                            F("not_before"),
                            F("not_after"),
                            function="tstzrange",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    )
                ],
            ),
            models.CheckConstraint(
                condition=Q(not_after=None) | Q(not_after__gt=F("not_before")),
                name="signing_key_ends_after_it_began",
            ),
            models.CheckConstraint(
                condition=Q(sealed_private_key__isnull=False) | Q(not_after__isnull=False),
                name="signing_key_can_sign",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def state(self, *, at: datetime) -> KeyState:
        """What the key is for at that instant."""
        if at < self.not_before:
            return KeyState.PUBLISHED
        if self.not_after is None or at < self.not_after:
            return KeyState.SIGNING
        if at < self.not_after + KEY_REMOVED_AFTER:
            return KeyState.RETIRED
        return KeyState.REMOVED


class RevokedToken(models.Model):
    """A token taken back before its time; ``id`` is its ``jti``. Kept until it has expired."""

    id = TypeIdField("tok", primary_key=True)
    client = models.ForeignKey(Client, models.PROTECT, related_name="revoked_tokens")
    revoked_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        triggers = [*audit.triggers(customer=""), moves_directory()]

    def __str__(self) -> str:
        return str(self.id)


class DirectoryVersion(models.Model):
    """One row whose value is new whenever clients, keys or revocations are.

    Random rather than counted: a restored backup must not come back to a number that a running
    process has already seen with other content.
    """

    id = models.PositiveSmallIntegerField(primary_key=True)
    version = models.UUIDField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="directory_version_one_row")]

    def __str__(self) -> str:
        return str(self.version)
