"""Where the data lies, and which account the database servers run under."""

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from deploy.local.console import say
from deploy.local.environment import PROJECT
from deploy.local.errors import LaunchError

OUTSIDE = Path("/var/lib/billing-local")
LOCK = "run.lock"
IN_DATA = ("remembered.json", "environment.json", "logs", "services")
IN_SERVERS = ("postgres", "postgres.new", "valkey", "binaries")


@dataclass(frozen=True, kw_only=True)
class Account:
    """An unprivileged account; PostgreSQL refuses to run as root."""

    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True, kw_only=True)
class Places:
    """`data` is the launcher's own; `servers` is where `account` can get at its files."""

    data: Path
    servers: Path
    account: Account | None

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    def make_server_folder(self, name: str) -> Path:
        """A folder in `servers` that only the servers' account may enter."""
        folder = self.servers / name
        folder.mkdir(mode=0o700, exist_ok=True)
        self.give(folder)
        return folder

    def give(self, path: Path) -> None:
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)


def data_folder() -> Path:
    """BILLING_DATA_DIR, or .local in the project."""
    return Path(os.environ.get("BILLING_DATA_DIR") or PROJECT / ".local").resolve()


def open_places(data: Path) -> Places:
    """Makes the folders that are missing.

    Raises:
        LaunchError: run as root on a machine without an account `postgres` or `nobody`.
    """
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    account = _server_account() if os.geteuid() == 0 else None
    places = Places(data=data, servers=servers_folder(data=data, account=account), account=account)
    places.logs.mkdir(mode=0o700, exist_ok=True)
    return places


def servers_folder(*, data: Path, account: Account | None) -> Path:
    """`data`, or when `account` cannot reach that (it may lie in /root), a folder that it can."""
    if account is None or _can_enter(account=account, folder=data):
        return data
    folder = OUTSIDE / hashlib.sha256(str(data).encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    for path in (OUTSIDE, folder):
        path.chmod(0o711)
    return folder


def reset(places: Places) -> None:
    """Deletes what the launcher made, and nothing else that may lie in the folders."""
    parts = [places.data / name for name in IN_DATA]
    parts += [places.servers / name for name in IN_SERVERS]
    for part in parts:
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)
    places.logs.mkdir(mode=0o700, exist_ok=True)


def hold(data: Path, *, wait_seconds: float = 30) -> TextIO:
    """The lock that one launcher at a time has on a data folder; held while the file is open.

    Its guard keeps it until the last process has gone, so a start right after a kill waits.

    Raises:
        LaunchError: another launcher is at work there.
    """
    file = (data / LOCK).open("a+")
    deadline = time.monotonic() + wait_seconds
    told = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip()
            if _lives(owner) or time.monotonic() > deadline:
                raise LaunchError(
                    f"Already running in {data} (process {owner}). Stop that one first, or set "
                    "BILLING_DATA_DIR to another folder."
                ) from None
            if not told:
                say("Waiting for the processes of the last start to end …")
                told = True
            time.sleep(0.1)
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:  # it is somebody else's
        pass
    return True


def _server_account() -> Account:
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise LaunchError(
        "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody' here.\n"
        "Start this as a normal user, or set DATABASE_URL and REDIS_URL."
    )


def _can_enter(*, account: Account, folder: Path) -> bool:
    command = ["test", "-x", str(folder)]
    return subprocess.run(command, cwd="/", **account.popen_arguments()).returncode == 0
