"""Where the data lies, who may touch it, and what a reset deletes."""

import os
import stat
from pathlib import Path

import pytest

from deploy.local import places
from deploy.local.environment import PROJECT
from deploy.local.errors import LaunchError
from deploy.local.places import Account, Places
from deploy.local.remembered import Remembered

SOMEBODY = Account(uid=12345, gid=12345)
NO_SUCH_PROCESS = "4194305"  # above the highest process id that Linux gives


def test_the_data_lies_in_the_project_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BILLING_DATA_DIR", raising=False)
    assert places.data_folder() == PROJECT / ".local"

    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    assert places.data_folder() == tmp_path


def test_a_normal_user_keeps_the_servers_beside_the_rest(tmp_path: Path) -> None:
    assert places.servers_folder(data=tmp_path, account=None) == tmp_path


@pytest.mark.parametrize("reachable", [True, False])
def test_root_puts_the_servers_where_their_account_may_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reachable: bool
) -> None:
    outside = tmp_path / "outside"
    monkeypatch.setattr(places, "OUTSIDE", outside)
    monkeypatch.setattr(places, "_can_enter", lambda *, account, folder: reachable)

    folder = places.servers_folder(data=tmp_path / "data", account=SOMEBODY)

    if reachable:
        assert folder == tmp_path / "data"
    else:
        assert folder.parent == outside
        assert stat.S_IMODE(folder.stat().st_mode) == 0o711
        assert places.servers_folder(data=tmp_path / "data", account=SOMEBODY) == folder
        assert places.servers_folder(data=tmp_path / "other", account=SOMEBODY) != folder


def test_a_reset_deletes_what_was_made_and_nothing_else(tmp_path: Path) -> None:
    here = Places(data=tmp_path / "data", servers=tmp_path / "servers", account=None)
    here.data.mkdir()
    here.servers.mkdir()
    Remembered(here.data / "remembered.json").put(name="web port", value="8000")
    here.logs.mkdir()
    (here.logs / "web.log").write_text("old")
    for name in ("postgres", "valkey"):
        (here.make_server_folder(name) / "data").write_text("old")
    for folder in (here.data, here.servers):
        (folder / "mine.txt").write_text("keep")

    places.reset(here)

    assert sorted(path.name for path in here.data.iterdir()) == ["logs", "mine.txt"]
    assert sorted(path.name for path in here.servers.iterdir()) == ["mine.txt"]
    assert list(here.logs.iterdir()) == []


def test_what_is_remembered_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "remembered.json"
    made = Remembered(path).get_or_make(name="secret key", make=lambda: "first")

    again = Remembered(path).get_or_make(name="secret key", make=lambda: "second")

    assert (made, again) == ("first", "first")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_launcher_at_a_time_works_on_a_folder(tmp_path: Path) -> None:
    with (
        places.hold(tmp_path),
        pytest.raises(LaunchError, match=rf"Already running .*process {os.getpid()}\)"),
    ):
        places.hold(tmp_path)
    places.hold(tmp_path).close()


def test_a_start_waits_for_the_guard_of_a_launcher_that_was_killed(tmp_path: Path) -> None:
    with places.hold(tmp_path) as held:
        held.truncate(0)
        held.write(NO_SUCH_PROCESS)
        held.flush()
        with pytest.raises(LaunchError, match="Already running"):
            places.hold(tmp_path, wait_seconds=0.2)

    with places.hold(tmp_path, wait_seconds=0.2):
        assert (tmp_path / places.LOCK).read_text() == str(os.getpid())
