"""What must always hold of facts, timelines and revisions; ``manage.py check_invariants``."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.invariants import Invariant
from core.invariants import rows as offenders
from customers.models import Customer
from entitlements import blocks, models, rows
from entitlements.explaining import explain
from entitlements.facts import OVERRIDE, Fact
from entitlements.queries.granted import granted
from entitlements.resolution import resolve, segments
from entitlements.services import next_boundary
from entitlements.timelines import Timeline
from plans import queries as catalog
from plans.terms import FeatureTerms
from plans.values import Value
from subscriptions import queries as subscriptions
from subscriptions.blocks import Effect

CUSTOMERS_AT_ONCE = 500
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Held:
    """An owner's timeline as stored, and the known facts it should come from."""

    row: models.Timeline
    timeline: Timeline
    facts: tuple[Fact, ...]


def _customers() -> Iterator[list[str]]:
    """Yield all customers' identifiers, some hundred at a time."""
    last: str | None = None
    while True:
        rest = Customer.objects.order_by("pk")
        if last is not None:
            rest = rest.filter(pk__gt=last)
        ids = list(rest.values_list("pk", flat=True)[:CUSTOMERS_AT_ONCE])
        if not ids:
            return
        yield ids
        last = ids[-1]


def _owners(features: Mapping[str, FeatureTerms]) -> Iterator[_Held]:
    for ids in _customers():
        facts: dict[str, list[Fact]] = {}
        for fact in models.Fact.objects.known().filter(customer_id__in=ids):
            facts.setdefault(fact.owner_id, []).append(rows.fact_of(fact, features))
        for row in models.Timeline.objects.filter(customer_id__in=ids):
            yield _Held(row, rows.timeline_of(row, features), tuple(facts.get(row.owner, ())))


def _owners_that_fail(holds: Callable[[_Held, Mapping[str, FeatureTerms]], bool]) -> list[str]:
    features = catalog.features()
    return [held.row.owner for held in _owners(features) if not holds(held, features)]


def _reads_as_resolved(held: _Held, features: Mapping[str, FeatureTerms]) -> bool:
    return all(
        {key: each.value for key, each in held.timeline.at(instant).items()}
        == {
            key: outcome.value
            for key, outcome in resolve(held.facts, features, instant).outcomes.items()
        }
        for instant in _instants(held)
    )


def _instants(held: _Held) -> list[datetime]:
    """Every boundary from the timeline's beginning on, and a microsecond either side."""
    ends = {held.timeline.starts_at}
    for fact in held.facts:
        ends |= {fact.starts_at} | ({fact.ends_at} if fact.ends_at else set())
    near = {end + step for end in ends for step in (-_MOMENT, timedelta(0), _MOMENT)}
    return sorted(each for each in near if each >= held.timeline.starts_at)


def _is_what_would_be_computed(held: _Held, features: Mapping[str, FeatureTerms]) -> bool:
    computed = segments(held.facts, features, held.timeline.starts_at)
    boundary = next_boundary(computed, held.timeline.blocks, held.timeline.starts_at)
    return computed == held.timeline.segments and boundary == held.row.next_boundary_at


def _is_explained(held: _Held, features: Mapping[str, FeatureTerms]) -> bool:
    return all(
        _folded(features[key], held.facts, instant) == held.timeline.value_at(key, instant)
        for key in {fact.feature for fact in held.facts}
        for instant in (held.row.starts_at, held.row.next_boundary_at)
        if instant is not None
    )


def _folded(feature: FeatureTerms, facts: Iterable[Fact], at: datetime) -> Value | None:
    """Follow an explanation's steps as a reader does: each takes what the one before left."""
    value: Value | None = None
    for step in explain(feature, facts, at).steps:
        value = step.value_out if step.value_in == value else None
    return value


def _facts_out_of_line() -> list[str]:
    features = catalog.features()
    found: list[str] = []
    for ids in _customers():
        known = models.Fact.objects.known().filter(customer_id__in=ids)
        held = {rows.fact_of(row, features) for row in known}
        found += sorted({fact.owner_id for fact in held ^ granted(ids).facts})
    return found


def _blocks_out_of_line() -> list[str]:
    found: list[str] = []
    for ids in _customers():
        wanted = blocks.of_owners(subscriptions.blocks(ids, Effect.ACCESS))
        for row in models.Timeline.objects.filter(customer_id__in=ids):
            placed = blocks.standing(wanted.pop(row.owner, ()), row.starts_at)
            if blocks.from_json(row.blocks) != placed:
                found.append(row.owner)
        found += sorted(wanted)
    return found


def _rows_of_others() -> list[str]:
    return offenders(
        """
        SELECT f.id FROM entitlements_fact f JOIN customers_subject s ON s.id = f.subject_id
        WHERE s.customer_id <> f.customer_id
        UNION ALL
        SELECT t.owner_id FROM entitlements_timeline t
        JOIN customers_subject s ON s.id = t.subject_id WHERE s.customer_id <> t.customer_id
        """
    )


def _overlapping_facts() -> list[str]:
    return offenders(
        """
        SELECT f.id FROM (
            SELECT id, starts_at, lag(coalesce(ends_at, 'infinity')) OVER (
                PARTITION BY coalesce(subject_id, customer_id), feature, source_id
                ORDER BY starts_at) AS end_before
            FROM entitlements_fact WHERE superseded_at IS NULL
        ) AS f WHERE f.starts_at < f.end_before
        """
    )


def _overrides_out_of_line() -> list[str]:
    facts = models.Fact.objects.known().filter(source_type=OVERRIDE)
    told = ("source_id", "feature", "source__mode", "value", "starts_at", "ends_at")
    known = {each[0]: each for each in facts.values_list(*told)}
    counting = models.Override.objects.counting().select_related("feature")
    wanted = {
        row.id: (row.id, row.feature.key, row.mode, row.value, row.starts_at, row.over_at)
        for row in counting
    }
    return sorted(key for key in known | wanted if known.get(key) != wanted.get(key))


def _overlapping_overrides() -> list[str]:
    return offenders(
        """
        SELECT id FROM (
            SELECT id, starts_at, lag(coalesce(ends_at, 'infinity')) OVER (
                PARTITION BY coalesce(subject_id, customer_id), feature_id
                ORDER BY starts_at) AS end_before
            FROM (
                SELECT *, least(expires_at, superseded_at, revoked_at) AS ends_at
                FROM entitlements_override
                WHERE (NOT needs_approval OR approved_at IS NOT NULL)
                    AND coalesce(least(superseded_at, revoked_at) > starts_at, true)
            ) AS counting
        ) AS o WHERE starts_at < end_before
        """
    )


def _owners_without_timeline() -> list[str]:
    return offenders(
        """
        SELECT DISTINCT coalesce(f.subject_id, f.customer_id) FROM entitlements_fact f
        LEFT JOIN entitlements_timeline t ON t.owner_id = coalesce(f.subject_id, f.customer_id)
        LEFT JOIN entitlements_customerrevision r ON r.customer_id = f.customer_id
        WHERE t.owner_id IS NULL OR r.customer_id IS NULL OR t.revision > r.revision
        """
    )


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "facts_follow_subscriptions",
        "The known facts are what subscriptions and overrides grant, no more and no less.",
        _facts_out_of_line,
    ),
    Invariant(
        "facts_of_overrides_are_the_overrides",
        "Every override that counts at some time is one known fact from its start to its end.",
        _overrides_out_of_line,
    ),
    Invariant(
        "overrides_do_not_overlap",
        "An owner has one override of a feature at a time.",
        _overlapping_overrides,
    ),
    Invariant(
        "timelines_hold_the_blocks_of_their_owners",
        "The blocks stored with an owner's timeline are those placed on the owner as a whole.",
        _blocks_out_of_line,
    ),
    Invariant(
        "facts_of_a_source_do_not_overlap",
        "One source gives an owner one value of a feature at a time.",
        _overlapping_facts,
    ),
    Invariant(
        "entitlements_are_of_their_customer",
        "Facts and timelines of a subject name the subject's customer.",
        _rows_of_others,
    ),
    Invariant(
        "owners_of_facts_have_timelines",
        "Whoever has facts has a timeline, and its customer a revision that is not behind it.",
        _owners_without_timeline,
    ),
    Invariant(
        "timelines_are_what_would_be_computed",
        "A stored timeline is what its facts give when computed again.",
        lambda: _owners_that_fail(_is_what_would_be_computed),
    ),
    Invariant(
        "timelines_read_as_resolved",
        "At every boundary, and a microsecond either side, a timeline says what facts resolve to.",
        lambda: _owners_that_fail(_reads_as_resolved),
    ),
    Invariant(
        "explanations_fold_to_checks",
        "The steps of an explanation lead to the value that a check reads.",
        lambda: _owners_that_fail(_is_explained),
    ),
)
