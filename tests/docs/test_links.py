"""What pages point at is there."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PROJECT, name_of, pages, prose

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FOLDERS = frozenset(path.name for path in PROJECT.iterdir() if path.is_dir())
_EVERY_PAGE = [pytest.param(path, id=name_of(path)) for path in pages()]


def test_the_pages_are_found() -> None:
    found = {name_of(path) for path in pages()}
    assert {"README.md", "docs/tutorial.md", "docs/adr/README.md"} <= found
    assert not any(name.startswith(".") for name in found)


@pytest.mark.parametrize("page", _EVERY_PAGE)
def test_links_between_pages_resolve(page: Path) -> None:
    broken = []
    for link in _LINK.findall(prose(page)):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, heading = link.partition("#")
        aim = (page.parent / file).resolve() if file else page
        if not aim.exists() or (heading and heading not in anchors(aim)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", _EVERY_PAGE)
def test_files_that_are_named_exist(page: Path) -> None:
    missing = []
    for text in _CODE.findall(prose(page)):
        path = text.partition("::")[0]
        top = path.split("/")[0]
        if "/" not in path or top not in _FOLDERS or re.search(r"[^A-Za-z0-9_./-]", path):
            continue
        if not any((PROJECT / each).exists() for each in (path, f"{path}.example")):
            missing.append(text)
    assert missing == []


def test_every_page_can_be_found_from_the_first_one() -> None:
    first = (PROJECT / "README.md").read_text(encoding="utf-8")
    linked = set(_LINK.findall(first))
    decisions = {name_of(page) for page in pages() if "docs/adr/0" in name_of(page)}
    docs = {name_of(page) for page in pages() if name_of(page).startswith("docs/")}
    assert docs - decisions - linked == set()
    listed = _LINK.findall((PROJECT / "docs/adr/README.md").read_text(encoding="utf-8"))
    assert decisions == {f"docs/adr/{name}" for name in listed}


def test_every_app_says_on_one_page_what_it_is() -> None:
    apps = [path.parent for path in PROJECT.glob("*/apps.py")]
    assert len(apps) > 5
    assert [path.name for path in apps if not (path / "README.md").exists()] == []


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as the usual renderers make them, and its own."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))
