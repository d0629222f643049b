"""``manage.py catalog`` at the command line."""

import io
import json
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from core.models import AuditEntry
from plans.models import Plan
from tests.plans.catalogs import BASE, small

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unwired")]


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("catalog", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.yaml"
    path.write_text(yaml.safe_dump(small()))
    return path


def test_plan_says_what_apply_then_does(file: Path) -> None:
    planned = run("plan", str(file))
    assert "create       /plans/pro\n" in planned
    assert "new version  /plans/pro, published\n" in planned
    assert run("apply", str(file), "--dry-run") == planned
    assert not Plan.objects.exists()
    assert run("apply", str(file)) == planned
    assert run("apply", str(file)) == "10 objects unchanged\n"


def test_updates_show_both_sides_and_unmanaged_objects_are_listed(file: Path) -> None:
    run("apply", str(file))
    changed = {"rank": 4, "publish": False, "billing_zone": "UTC"}
    pro = {**small()["plans"]["pro"], **changed}
    file.write_text(json.dumps({"currencies": ["EUR"], "plans": {"pro": pro}}))
    said = run("apply", str(file)).splitlines()
    assert said[:2] == [
        "update       /plans/pro/rank: 1 -> 4",
        "new version  /plans/pro, a draft",
    ]
    assert "unmanaged    /plans/free" in said


def test_the_author_and_the_reason_are_kept(file: Path) -> None:
    run("apply", str(file), "--actor", "staff:7", "--reason", "launch")
    assert set(AuditEntry.objects.values_list("actor", "reason")) == {("staff:7", "launch")}


def test_what_is_exported_can_be_applied(file: Path, tmp_path: Path) -> None:
    run("apply", str(file))
    exported = tmp_path / "exported.yaml"
    exported.write_text(run("export"))
    assert run("apply", str(exported)) == "10 objects unchanged\n"


def test_errors_are_all_shown_and_nothing_is_changed(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(yaml.safe_dump(small({f"{BASE}/amount": 20.5, "/plans/pro/rank": "one"})))
    for verb in ("plan", "apply"):
        with pytest.raises(CommandError):
            run(verb, str(file))
        said = capsys.readouterr().err
        assert f"{BASE}/amount: invalid_type:" in said
        assert "/plans/pro/rank: invalid_type:" in said
    assert not Plan.objects.exists()


def test_what_cannot_be_read_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot read"):
        run("plan", str(tmp_path / "missing.yaml"))
    file.write_text("a: &b 1")
    with pytest.raises(CommandError, match="anchors"):
        run("plan", str(file))
