"""What `manage.py demo` answers, and how it is shown.

It prints one JSON object: `staff` [{username, password}], `clients` [{client_id, client_secret,
scopes}], `curl` [a command that works when pasted].
"""

import json
from dataclasses import dataclass
from typing import Any

from deploy.local.console import say
from deploy.local.errors import LaunchError


@dataclass(frozen=True, kw_only=True)
class Login:
    username: str
    password: str


@dataclass(frozen=True, kw_only=True)
class Client:
    client_id: str
    client_secret: str
    scopes: str


@dataclass(frozen=True, kw_only=True)
class Demo:
    staff: tuple[Login, ...]
    clients: tuple[Client, ...]
    curl: tuple[str, ...]


def read(output: str) -> Demo:
    """Reads what the command printed.

    Raises:
        LaunchError: it is not the object described above.
    """
    try:
        answer: dict[str, Any] = json.loads(output)
        return Demo(
            staff=tuple(
                Login(username=login["username"], password=login["password"])
                for login in answer["staff"]
            ),
            clients=tuple(
                Client(
                    client_id=client["client_id"],
                    client_secret=client["client_secret"],
                    scopes=_words(client["scopes"]),
                )
                for client in answer["clients"]
            ),
            curl=tuple(_one_line(command) for command in answer["curl"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise LaunchError(
            f"`manage.py demo` did not print what was expected ({error!r}). It printed:\n{output}"
        ) from None


def show(*, demo: Demo, base_url: str) -> None:
    """The addresses, the logins and the commands to paste."""
    say(f"  API        {base_url}/v1")
    say(f"  API docs   {base_url}/docs")
    say(f"  Admin      {base_url}/admin/")
    say("\nStaff logins (admin)")
    for login in demo.staff:
        say(f"  {login.username:<20} {login.password}")
    say("\nAPI clients (POST /oauth/token)")
    for client in demo.clients:
        say(f"  client_id      {client.client_id}")
        say(f"  client_secret  {client.client_secret}")
        say(f"  scopes         {client.scopes}\n")
    say("Paste these into another terminal:\n")
    for command in demo.curl:
        say(f"{command}\n")


def _words(scopes: str | list[str]) -> str:
    return scopes if isinstance(scopes, str) else " ".join(scopes)


def _one_line(command: str) -> str:
    if not command.startswith("curl ") or "\n" in command:
        raise ValueError(f"not one line beginning with curl: {command!r}")
    return command
