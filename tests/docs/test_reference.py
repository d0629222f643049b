"""The reference pages say what the code says."""

import ast
import pkgutil
import re
from collections import Counter
from pathlib import Path

import pytest

from billing.management.commands.reference import PAGES
from billing.management.pages import events
from customers.api.serializers import EventOut
from subscriptions.states import Action
from tests.docs.pages import PROJECT, rows

REFERENCE = PROJECT / "docs" / "reference"
SETTINGS = PROJECT / "billing" / "settings.py"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_page_is_what_the_code_says_now(name: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run manage.py reference"


def test_every_member_of_an_event_is_explained() -> None:
    assert list(EventOut().fields) == list(events.ENVELOPE)


def test_every_action_of_the_state_table_is_used() -> None:
    code = [
        path.read_text()
        for path in (PROJECT / "subscriptions").rglob("*.py")
        if path.name != "states.py"
    ]
    used = {name for text in code for name in re.findall(r"\bAction\.([A-Z_]+)", text)}
    assert used == {each.name for each in Action}


def test_every_name_in_the_glossary_is_in_the_code() -> None:
    named = [code.strip("`") for _, _, code in rows(REFERENCE / "glossary.md")]
    assert len(named) > 50
    for name in named:
        assert pkgutil.resolve_name(name) is not None


def test_no_word_of_the_glossary_has_two_meanings() -> None:
    words = Counter(word for word, _, _ in rows(REFERENCE / "glossary.md"))
    assert [word for word, times in words.items() if times > 1] == []


def test_the_settings_page_lists_what_the_settings_read_and_how() -> None:
    written = {
        cells[0].strip("`"): (cells[1], cells[2].strip("`"))
        for cells in rows(REFERENCE / "settings.md")
        if len(cells) == 4
    }
    read = variables(SETTINGS.read_text())
    assert written.keys() == read.keys()
    assert {name: kind for name, (kind, _) in written.items()} == {
        name: kind for name, (kind, _) in read.items()
    }
    for name, (_, default) in read.items():
        if isinstance(default, str | bool):
            said = "empty" if default == "" else str(default)
            assert written[name][1] == said, name
    required = {name for name, (_, default) in read.items() if default is None}
    assert required == {name for name, (_, said) in written.items() if said == "required"}


def test_the_settings_read_the_environment_in_one_way_only() -> None:
    text = SETTINGS.read_text()
    assert "os.environ" not in text
    assert "getenv" not in text


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('A = env.str("A")', {"A": ("str", None)}),
        ('A = env.str("A", "x")', {"A": ("str", "x")}),
        ('A = 1 if env.bool("A", default=True) else 2', {"A": ("bool", True)}),
        ('A = env.str("A", str(FOLDER))', {"A": ("str", ...)}),
        ('A = env.list("A", default=[]) + other("B")', {"A": ("list", ...)}),
    ],
)
def test_variables_are_found_however_they_are_read(line: str, found: dict) -> None:
    assert variables(line) == found


def variables(source: str) -> dict[str, tuple[str, object]]:
    """Return {name: (type, default)} of ``env.type("NAME", default)``.

    A default is None where there is none, and ... where it is not a plain text or boolean.
    """
    found = {}
    for node in ast.walk(ast.parse(source)):
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "env"
        ):
            continue
        name = ast.literal_eval(node.args[0])
        given = [*node.args[1:], *(each.value for each in node.keywords if each.arg == "default")]
        found[name] = (node.func.attr, _default(given[0]) if given else None)
    return found


def _default(node: ast.expr) -> object:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bool):
        return node.value
    return ...


def test_what_a_new_type_of_feature_needs_is_where_the_page_says() -> None:
    page = (PROJECT / "CONTRIBUTING.md").read_text()
    _, _, section = page.partition("## Add a type of feature")
    section, _, _ = section.partition("\n## ")
    for module, names in {
        "plans.values": ["FeatureType", "_PARSERS", "to_json", "COMBINES", "_COMBINERS", "_covers"],
        "entitlements.decisions": ["decide"],
        "plans.document.offer_rules": ["ADDABLE"],
    }.items():
        assert f"`{module.replace('.', '/')}.py`" in section
        for name in names:
            assert f"`{name}`" in section
            assert pkgutil.resolve_name(f"{module}:{name}") is not None


def test_the_example_of_production_names_only_what_is_documented() -> None:
    text = (PROJECT / "deploy" / "production.env.example").read_text()
    named = set(re.findall(r"^([A-Z_]+)=", text, re.MULTILINE))
    page = Path(REFERENCE / "settings.md").read_text()
    assert [name for name in sorted(named) if f"`{name}`" not in page] == []
