"""Those who acted, named for people: the records hold identifiers only."""

from collections.abc import Iterable

from django.contrib.auth.models import User

from core import ids
from identity.models import Client


def named(actors: Iterable[str]) -> dict[str, str]:
    """Name those who acted: staff by user name, clients by name; the rest as they are written."""
    wanted = set(actors)
    staff = {each.removeprefix("staff:") for each in wanted if each.startswith("staff:")}
    clients = {each.removeprefix("client:") for each in wanted if each.startswith("client:")}
    numbers = [each for each in staff if each.isascii() and each.isdecimal()]
    users = {
        f"staff:{user.pk}": f"staff {user.get_username()}"
        for user in User.objects.filter(pk__in=numbers)
    }
    known = [each for each in clients if ids.is_type_id(each, prefix="cli")]
    programs = {
        f"client:{client.id}": f"client {client.name}"
        for client in Client.objects.filter(pk__in=known)
    }
    return {actor: users.get(actor) or programs.get(actor) or actor for actor in wanted}
