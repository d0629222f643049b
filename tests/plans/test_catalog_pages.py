"""The pages about the catalog say what the code does."""

import re
from decimal import Decimal
from typing import Any

import pytest

from plans import pricing
from plans.change_rules import DEFAULT_RULES
from plans.document import rules, text
from plans.document.sections import SECTIONS, read_document
from plans.document.state import Catalog
from plans.price_forms import price_terms
from plans.values import COMBINES
from tests.docs.pages import PROJECT, blocks, rows

REFERENCE = PROJECT / "docs" / "reference" / "catalog-document.md"
EXPLANATION = PROJECT / "docs" / "explanation" / "catalog.md"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def chapter(name: str) -> list[str]:
    """Return the first cells of a chapter's table."""
    parts = _HEADING.split(REFERENCE.read_text())
    chapters = dict(zip(parts[1::2], parts[2::2], strict=True))
    return re.findall(r"^\| `(\w+)` \|", chapters[name], re.MULTILINE)


def fields_of(tree: Any, pointer: str) -> list[str]:
    """Return the fields that an object may have, as the refusal of another one lists them."""
    _, problems = read_document(tree)
    [detail] = [each.detail for each in problems if each.pointer == pointer]
    return detail.removeprefix("one of ").removesuffix(" is expected here").split(", ")


WRONG = {"no_such_field": 1}
PLACES: dict[str, tuple[Any, str]] = {
    **{name: ({name: {"x": WRONG}}, f"/{name}/x") for name in SECTIONS if name != "currencies"},
    "change_rules": ({"products": {"x": {"change_rules": [WRONG]}}}, "/products/x/change_rules/0"),
    "trial": ({"plans": {"x": {"trial": WRONG}}}, "/plans/x/trial"),
    "quantity": ({"plans": {"x": {"quantity": WRONG}}}, "/plans/x/quantity"),
    "cancel": ({"products": {"x": {"cancel": WRONG}}}, "/products/x/cancel"),
}


@pytest.mark.parametrize("name", sorted(PLACES))
def test_every_field_is_in_the_reference_and_no_other(name: str) -> None:
    tree, pointer = PLACES[name]
    assert sorted(chapter(name)) == sorted(fields_of(tree, f"{pointer}/no_such_field"))


def test_every_field_of_a_price_is_in_the_reference() -> None:
    found: set[str] = set()
    for model in ("flat", "per_unit", "package", "volume", "percentage"):
        tree = {"plans": {"x": {"prices": {"month": {"EUR": {"base": {"model": model, **WRONG}}}}}}}
        found |= set(fields_of(tree, "/plans/x/prices/month/EUR/base/no_such_field"))
    assert set(chapter("prices")) == found


def test_private_versions_have_the_fields_of_versions_and_customers() -> None:
    tree = {"plans": {"x": {"private_versions": {"y": WRONG}}}}
    found = fields_of(tree, "/plans/x/private_versions/y/no_such_field")
    own = {"name", "product", "rank", "archived", "private_versions"}
    assert set(found) == set(chapter("plans")) - own | set(chapter("private_versions"))


def test_every_code_is_in_the_reference_and_no_other() -> None:
    code = "".join(path.read_text() for path in (PROJECT / "plans" / "document").glob("*.py"))
    listed = chapter("Codes of errors")
    assert listed == sorted(listed)
    in_code = {each for each in listed if f'"{each}"' in code}
    elsewhere = {"malformed_interval", "malformed_key", "malformed_value", "unknown_currency"}
    assert in_code | elsewhere == set(listed)
    assert set(re.findall(r'report\(\s*"(\w+)"', code)) <= set(listed)


def test_the_minimal_document_is_sound() -> None:
    [block] = blocks(REFERENCE)
    document, problems = read_document(text.load(block.text.encode()))
    empty = Catalog({section: {} for section in SECTIONS}, {}, frozenset())
    _, broken = rules.check(document, empty)
    assert (problems, broken) == ([], [])


def test_the_default_rules_are_those_of_the_page() -> None:
    names = {rule.name for rule in DEFAULT_RULES}
    shown = [(cells[0], cells[2]) for cells in rows(EXPLANATION) if cells[0] in names]
    assert shown == [(rule.name, rule.timing) for rule in DEFAULT_RULES]


def test_the_ways_to_combine_are_those_of_the_page() -> None:
    shown = {cells[0]: cells[2] for cells in rows(EXPLANATION) if cells[0] in set(COMBINES)}
    assert shown.keys() == {str(each) for each in COMBINES}
    for kind, ways in COMBINES.items():
        expected = "not at all" if "single" in ways else ", ".join(ways)
        assert shown[kind].startswith(expected)


MILLION = {"divide_by": 1_000_000}
TIERS = [{"up_to": 10, "amount": "2.00", "flat_amount": "1.00"}, {"amount": "1.00"}]
EXAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "0.30 per million": ("per_unit", {"amount": "0.30", "included": 10, **MILLION}),
    "4.50 per million": (
        "per_unit",
        {"amount": "4.50", "included": 1, "rounding": "up", **MILLION},
    ),
    "0.015 per GB-month": ("per_unit", {"amount": "0.015", "included": 10, "rounding": "up"}),
    "graduated:": ("graduated", {"tiers": TIERS}),
    "volume:": ("volume", {"tiers": TIERS}),
    "package of 1,000": ("package", {"amount": "9.00", "package_size": 1000}),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_worked_numbers_are_right(name: str) -> None:
    [(quantity, costs)] = [
        (cells[1], cells[3]) for cells in rows(EXPLANATION) if cells[0].startswith(name)
    ]
    model, fields = EXAMPLES[name]
    price = price_terms(
        id="prc_1",
        key="base",
        sold_interval="month",
        currency="USD",
        interval="month",
        model=model,
        due="arrears",
        meter="use",
        fields=fields,
    )
    line = pricing.line(price, Decimal(quantity.replace(",", "")))
    assert f"{line.to_major()}" == costs
