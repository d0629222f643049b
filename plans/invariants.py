"""What must hold of the catalog beyond what its tables enforce."""

from core.invariants import Invariant, rows
from plans import values
from plans.models import FeatureValue
from plans.numbers import MalformedValue


def _landings_without_sale() -> list[str]:
    """A default or fallback plan is its product's own, with a public version since always."""
    return rows(
        """
        SELECT p.key FROM plans_product p
        CROSS JOIN LATERAL (VALUES (p.default_plan_id), (p.fallback_plan_id)) AS landing (plan_id)
        LEFT JOIN plans_plan l ON l.id = landing.plan_id
        WHERE p.archived_at IS NULL AND landing.plan_id IS NOT NULL AND (
            l.product_id <> p.id OR l.archived_at IS NOT NULL OR NOT EXISTS (
                SELECT FROM plans_planversion v
                WHERE v.plan_id = l.id AND v.status = 'published' AND v.private_key = ''
                    AND v.effective_from IS NULL AND NOT v.contract AND NOT v.externally_managed
            )
        )
        """
    )


def _versions_without_values() -> list[str]:
    """The newest published version of a plan on sale has a value for every feature."""
    return rows(
        """
        SELECT v.id FROM (
            SELECT DISTINCT ON (plan_id, private_key) id, plan_id
            FROM plans_planversion WHERE status = 'published'
            ORDER BY plan_id, private_key, number DESC
        ) AS v
        JOIN plans_plan l ON l.id = v.plan_id AND l.archived_at IS NULL
        JOIN plans_product p ON p.id = l.product_id AND p.archived_at IS NULL
        JOIN plans_productfeature f ON f.product_id = p.id
        WHERE NOT EXISTS (
            SELECT FROM plans_featurevalue g
            WHERE g.plan_version_id = v.id AND g.feature_id = f.feature_id
        )
        GROUP BY v.id
        """
    )


def _meanings_not_fixed() -> list[str]:
    """A feature or meter that something published relies on keeps its meaning."""
    return rows(
        """
        SELECT f.key FROM plans_feature f
        JOIN plans_featurevalue g ON g.feature_id = f.id
        LEFT JOIN plans_planversion v ON v.id = g.plan_version_id
        LEFT JOIN plans_addonversion a ON a.id = g.add_on_version_id
        WHERE f.published_at IS NULL AND coalesce(v.status, a.status) <> 'draft'
        UNION
        SELECT m.key FROM plans_meter m
        JOIN plans_price c ON c.meter_id = m.id
        LEFT JOIN plans_planversion v ON v.id = c.plan_version_id
        LEFT JOIN plans_addonversion a ON a.id = c.add_on_version_id
        WHERE m.published_at IS NULL AND coalesce(v.status, a.status) <> 'draft'
        """
    )


def _values_not_canonical() -> list[str]:
    """Every stored value reads as its feature's type and is written the one way."""
    broken = []
    for given in FeatureValue.objects.select_related("feature"):
        try:
            sound = values.to_json(values.parse(given.feature.type, given.value)) == given.value
        except MalformedValue:
            sound = False
        if not sound:
            broken.append(str(given.pk))
    return broken


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "landings_are_on_sale",
        "Default and fallback plans are their product's own and can be had at any time.",
        _landings_without_sale,
    ),
    Invariant(
        "versions_on_sale_are_complete",
        "What is sold has a value for every feature of its product.",
        _versions_without_values,
    ),
    Invariant(
        "published_meanings_are_fixed",
        "Features and meters in published versions are marked as published.",
        _meanings_not_fixed,
    ),
    Invariant(
        "feature_values_are_canonical",
        "Stored values have the one form of their feature's type.",
        _values_not_canonical,
    ),
)
