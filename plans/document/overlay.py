"""What the catalog would be with a document applied, to check how things fit together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from core.errors import FieldProblem
from plans.document.nodes import Node
from plans.document.sections import Document
from plans.document.state import Catalog


class Overlay:
    """The document's objects over the stored ones, and the problems found on the way."""

    def __init__(self, document: Document, catalog: Catalog) -> None:
        self.document = document
        self.catalog = catalog
        self.problems: list[FieldProblem] = []
        self.objects = {
            section: {**catalog.objects[section], **document.objects[section]}
            for section in document.objects
        }
        self._plans: dict[str, list[str]] = defaultdict(list)
        for key, plan in self.objects["plans"].items():
            self._plans[plan["product"]].append(key)

    def at(self, *path: str | int) -> Node:
        node = Node(None, "", self.problems)
        for step in path:
            node = node.at(step)
        return node

    def at_line(self, plan: str, line: str) -> Node:
        """Return the place of one of a plan's versions: the public one, or a private one."""
        at = self.at("plans", plan)
        return at.at("private_versions").at(line) if line else at

    def plans_of(self, product: str) -> Sequence[str]:
        """Return the plans of a product that are not archived."""
        plans = self.objects["plans"]
        return [key for key in self._plans.get(product, ()) if not plans[key]["archived"]]

    def publishes(self, section: str, key: str, line: str) -> bool:
        """Tell whether the document itself publishes this version."""
        wanted = self.document.objects[section].get(key, {}).get("lines", {})
        return line in wanted and bool(wanted[line]["publish"])

    def requires(self, section: str, keys: Iterable[str | None], at: Node, code: str) -> bool:
        """Note a problem for each key that neither the document nor the catalog has."""
        known, named = self.objects[section], self.document.named.get(section, frozenset())
        missing = [key for key in keys if key not in known and key not in named and key is not None]
        for key in missing:
            at.report(code, f"there is no {key}")
        return not missing

    def terms_on_sale(self, section: str, key: str) -> dict[str, dict[str, Any]]:
        """Return, per line, the terms that the newest sold version would have."""
        wanted = self.document.objects[section].get(key, {}).get("lines", {})
        stored = self.catalog.lines.get((section, key), {})
        found = {name: line.published.terms for name, line in stored.items() if line.published}
        return found | {name: line["terms"] for name, line in wanted.items() if line["publish"]}
