"""The import contracts hold, and each of them notices when it is broken on purpose."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = (
    "billing",
    "console",
    "changes",
    "provisioning",
    "entitlements",
    "invoicing",
    "subscriptions",
    "usage",
    "identity",
    "plans",
    "customers",
    "core",
)


def lint(project: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [str(tool), "--no-cache"], cwd=project, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in APPS:
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "static")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("customers/models.py", "import subscriptions.models", "Call down, publish up"),
        ("plans/queries.py", "import customers.models", "Call down, publish up"),
        ("usage/grants.py", "import entitlements.models", "Call down, publish up"),
        ("core/events.py", "import billing.wiring", "Call down, publish up"),
        ("subscriptions/models.py", "import subscriptions.services", "Inside an app"),
        ("entitlements/services.py", "import entitlements.api", "Inside an app"),
        ("customers/turns.py", "import rest_framework.views", "The domain knows neither HTTP"),
        ("usage/burndown.py", "import django.db", "Pure rules know no database"),
        ("core/money.py", "import django.db", "Pure rules know no database"),
    ],
)
def test_a_broken_contract_is_noticed(copy: Path, module: str, line: str, contract: str) -> None:
    file = copy / module
    file.write_text(f"{file.read_text()}\n{line}\n")
    result = lint(copy)
    assert result.returncode == 1
    broken = [
        each for each in result.stdout.splitlines() if each.endswith("BROKEN") and contract in each
    ]
    assert broken, result.stdout
