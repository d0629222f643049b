"""What differs between two instants, and what would if something were otherwise. Writes nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core import clock
from core.errors import Unprocessable
from core.principals import Principal
from customers.models import Customer
from entitlements import answers, catalog, models, overrides, rows
from entitlements.explaining import cause_of
from entitlements.facts import OVERRIDE, Fact
from entitlements.overrides import Given, Mode
from entitlements.queries.checks import check_owner
from entitlements.queries.granted import granted
from entitlements.queries.paths import path_of
from entitlements.reader import Asked, Path
from entitlements.resolution import outcome, resolve
from plans import queries as plans
from plans.errors import PlanNotSold
from plans.terms import FeatureTerms, Terms
from plans.values import Value
from subscriptions.agreement import AddOnHeld
from subscriptions.spans import Span

_SUPPOSED = "ovr_00000000000000000000000000"  # sorts before every real one; never stored


class NotSubscribed(Unprocessable):
    """The owner has no subscription of the plan's product at that instant."""

    code = "not_subscribed"


@dataclass(frozen=True, slots=True)
class Supposed:
    """What to suppose: a plan, by identifier or key, an override of one feature, or both.

    ``form`` is the override's value as the feature's values are written; without a ``mode`` it has
    the feature's default.
    """

    plan: str | None = None
    feature: str | None = None
    mode: Mode | None = None
    form: Any = None


def diff(
    *, asked: Asked, before: datetime, after: datetime, principal: Principal
) -> dict[str, Any]:
    """Compare what an owner has at two instants, as known now.

    :raises CustomerNotFound, SubjectNotFound: also for what the caller may not see
    """
    path = path_of(asked, principal)
    features = catalog.look().by_key
    facts = _known(path, features)
    then, now = (resolve(facts, features, instant) for instant in (before, after))
    return {
        "customer": path.customer_id,
        "subject": path.subject_id,
        "from": before,
        "to": after,
        "projected": max(before, after) > path.now,
        "revision": path.revision.number,
        "data": [
            {**each, "cause": _cause(features[each["feature"]], facts, before, after)}
            for each in _differing(then.value, now.value, features, principal)
        ],
    }


def simulate(
    *, asked: Asked, supposed: Supposed, at: datetime | None, principal: Principal
) -> dict[str, Any]:
    """Tell which features an owner would have otherwise, if something were otherwise.

    :raises CustomerNotFound, SubjectNotFound, FeatureNotFound: also for what the caller may not see
    :raises PlanNotFound, PlanNotSold: as named
    :raises NotSubscribed: if nothing of the owner could be on that plan
    :raises SubjectRequired, FeatureOfCustomer: if the feature is one of the other kind of owner
    :raises ModeNotAllowed, WindowRequired, MalformedValue: for an override that cannot be
    """
    path = path_of(asked, principal)
    features = catalog.look().by_key
    instant = at or path.now
    held = _known(path, features)
    wanted = held
    if supposed.plan is not None:
        wanted = _on_plan(path, supposed.plan, instant)
    if supposed.feature is not None:
        wanted = _with_override(path, wanted, supposed, instant, principal)
    before, after = (resolve(facts, features, instant) for facts in (held, wanted))
    return {
        "customer": path.customer_id,
        "subject": path.subject_id,
        "at": instant,
        "projected": instant > path.now,
        "data": list(_differing(before.value, after.value, features, principal)),
    }


def _known(path: Path, features: Mapping[str, FeatureTerms]) -> list[Fact]:
    known = models.Fact.objects.known().filter(
        customer_id=path.customer_id, subject_id=path.subject_id
    )
    return [rows.fact_of(row, features) for row in known.order_by("id")]


def _differing(
    before: Callable[[str], Value | None],
    after: Callable[[str], Value | None],
    features: Mapping[str, FeatureTerms],
    principal: Principal,
) -> Iterable[dict[str, Any]]:
    for key in sorted(features):
        one, other = before(key), after(key)
        if one != other and catalog.is_visible(features[key], principal):
            yield {"feature": key, "before": answers.said(one), "after": answers.said(other)}


def _cause(feature: FeatureTerms, facts: Iterable[Fact], before: datetime, after: datetime) -> str:
    own = [fact for fact in facts if fact.feature == feature.key]
    return cause_of(feature, own, before=before, after=after)


def _on_plan(path: Path, reference: str, at: datetime) -> list[Fact]:
    """Return what would be granted if the subscription of the plan's product were on the plan."""
    plan = plans.find_plan(reference)
    versions = plans.effective_versions([plan.id], at=path.now, customer_id=path.customer_id)
    if plan.id not in versions:
        raise PlanNotSold("the plan is not sold to this customer at this time")
    terms = plans.terms_of(versions.values())[versions[plan.id]]

    def as_if(spans: Sequence[Span]) -> list[Span]:
        concerned = [each for each in spans if _is_concerned(each, path, terms, at)]
        if not concerned:
            raise NotSubscribed(f"there is no subscription of {terms.product.key} then")
        return [_moved(each, terms) if each in concerned else each for each in spans]

    subjects = [path.subject_id] if path.subject_id else []
    found = granted([path.customer_id], subject_ids=subjects, as_if=as_if).facts
    return [fact for fact in found if fact.subject_id == path.subject_id]


def _is_concerned(span: Span, path: Path, terms: Terms, at: datetime) -> bool:
    return (
        span.subject_id == path.subject_id
        and span.product_key == terms.product.key
        and span.start <= at
        and (span.end is None or at < span.end)
    )


def _moved(span: Span, terms: Terms) -> Span:
    """Return what is held after a plain change: a quantity that the plan allows, the add-ons that
    it can have, no limits of earlier versions."""
    return replace(
        span,
        plan_key=terms.plan_key,
        plan_version_id=terms.version_id,
        quantity=terms.quantity.nearest(span.quantity),
        add_ons=tuple(each for each in span.add_ons if _stays(each, terms)),
        limits_of=(),
    )


def _stays(add_on: AddOnHeld, terms: Terms) -> bool:
    return terms.plan_id in add_on.terms.available_for - add_on.terms.included_in


def _with_override(
    path: Path, facts: Sequence[Fact], supposed: Supposed, at: datetime, principal: Principal
) -> list[Fact]:
    """Put an override in the place of the one that there may be."""
    assert supposed.feature is not None  # noqa: S101 - the caller has looked
    feature = catalog.find(supposed.feature, principal)
    check_owner(feature, path.subject_id)
    mode = supposed.mode or overrides.default_mode(feature.type)
    overrides.check_mode(feature, mode)
    value = overrides.parse(feature, mode, supposed.form, "/override/value")
    others = [fact for fact in facts if fact.feature != feature.key or fact.source.type != OVERRIDE]
    below = [fact for fact in others if fact.feature == feature.key and fact.is_in_effect(at)]
    overrides.check_window(mode, value, outcome(feature, below).value)
    customer = Customer.objects.get(pk=path.customer_id)
    given = Given(
        _SUPPOSED,
        path.customer_id,
        path.subject_id,
        feature.key,
        mode,
        value,
        clock.whole_second(at),
        None,
    )
    return [*others, overrides.fact_of(given, zone=customer.zone)]
