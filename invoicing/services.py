"""Charge subscriptions, and put on customers' credit balances what is theirs: the only code that
writes charges and credits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from core import acting, bulk, clock, ids
from core.errors import NotFound, Unprocessable
from core.events import Fact, publish
from core.models import Event
from core.money import Money
from core.transactions import command
from customers.models import Customer
from customers.turns import turn
from invoicing import events, importing, queries
from invoicing.drafts import Draft, Kind, assess
from invoicing.holdings import open_since, stretches_of
from invoicing.models import Charge, CreditEntry, CreditKind, NextCharge, RefundIntent
from invoicing.settlement import Paid, settle
from invoicing.stretches import Stretch
from invoicing.targets import Segment
from invoicing.upcoming import next_change
from plans.change_rules import Settlement
from subscriptions import queries as subscriptions
from subscriptions.history import History
from subscriptions.states import BILLABLE

# Terms are recorded a moment before the event that reports them.
_SAME_CHANGE = timedelta(minutes=1)
_RAISE = """
    INSERT INTO invoicing_creditbalance AS balance (customer_id, currency, amount)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bigint[])
    ON CONFLICT (customer_id, currency) DO UPDATE SET amount = balance.amount + excluded.amount
"""


class ChargeNotFound(NotFound):
    """The customer has no such charge."""

    code = "charge_not_found"


class WrongCurrency(Unprocessable):
    """The amount is in another currency than the customer is charged in."""

    code = "wrong_currency"


class CreditExceedsCharge(Unprocessable):
    """More would be given for a charge than was billed and not credited of it."""

    code = "credit_exceeds_charge"


@dataclass(frozen=True, slots=True)
class _Look:
    """One subscription at one instant: the charges to write, and when to look again."""

    history: History
    at: datetime
    drafts: list[Draft]
    billed: int
    next_at: datetime | None

    @property
    def net(self) -> int:
        return sum(each.amount for each in self.drafts if each.kind != Kind.FORFEITED)


def follow(happened: Sequence[Event]) -> None:
    """Charge the subscriptions that the events are about, as they stand when they happened.

    Runs in the publisher's transaction, under the customers' turns.
    """
    at: dict[str, datetime] = {}
    for each in happened:
        name = each.data["subscription"]
        at[name] = max(each.occurred_at, at.get(name, each.occurred_at))
    first = min(each.recorded_at for each in happened)
    imported = {
        each.data["subscription"]: datetime.fromisoformat(each.data["billed_through"])
        for each in happened
        if each.data.get("billed_through") is not None
    }
    charge(at, recorded_since=first - _SAME_CHANGE, billed_elsewhere=imported)


def charge(
    at: Mapping[str, datetime],
    *,
    recorded_since: datetime | None = None,
    billed_elsewhere: Mapping[str, datetime] | None = None,
) -> None:
    """Write the difference between what each subscription should have been charged at its instant
    and what it was. A fixed number of queries, however many subscriptions.

    ``recorded_since`` tells which parts of their histories are news, in the machine's time.
    ``billed_elsewhere`` names those that are just imported, and until when they are billed.
    """
    if not at:
        return
    histories = [each for each in subscriptions.histories(at) if each.entries]
    since = {
        each.subscription_id: open_since(
            each, at[each.subscription_id], recorded_since=recorded_since
        )
        for each in histories
    }
    _import(histories, at, billed_elsewhere or {})
    billed = queries.billed(since)
    looks = [
        _look(each, at[each.subscription_id], since, billed[each.subscription_id])
        for each in histories
    ]
    _remember(looks)
    written = [(look, _rows(look)) for look in looks if look.drafts]
    bulk.insert(Charge, [row for _, rows in written for row in rows])
    given = _settled(look for look, _ in written if look.net < 0)
    publish(
        [
            *(_charged(look, rows) for look, rows in written),
            *(_credited(entry) for entry in given),
        ]
    )


@command
def give_credit(*, customer_id: str, amount: Money, charge_id: str | None = None) -> CreditEntry:
    """Put goodwill on a customer's balance, maybe for one charge, for the stated reason.

    What is given for a charge cannot be credited again by a later reduction of it, and is never
    asked back.

    :raises ReasonRequired: without a reason
    :raises WrongCurrency: unless the amount is in the customer's currency, or the charge's
    :raises ChargeNotFound: if the customer has no such charge
    :raises CreditExceedsCharge: beyond what was billed of the charge's line and not given back
    """
    acting.require_reason()
    with turn(customer_id) as at:
        paid_for = None if charge_id is None else _charge_of(customer_id, charge_id)
        currency = Customer.objects.get(pk=customer_id).currency
        if paid_for is not None:
            currency = paid_for.currency
        if amount.currency != currency:
            raise WrongCurrency(f"credit is given in {currency} here", currency=currency)
        if paid_for is not None:
            _check_left(paid_for, amount)
        entry = CreditEntry(
            customer_id=customer_id,
            subscription_id=paid_for.subscription_id if paid_for else None,
            charge=paid_for,
            kind=CreditKind.GOODWILL,
            amount=amount.amount,
            currency=currency,
            reason=acting.current().reason,
            at=at,
            recorded_at=clock.system_now(),
        )
        _enter([entry])
        publish([_credited(entry)])
        return entry


def _look(
    history: History, at: datetime, since: Mapping[str, datetime], billed: queries.Lines
) -> _Look:
    stretches = stretches_of(history)
    drafts = assess(
        stretches,
        agreed=stretches_of(history, with_agreed=True) if history.agreed else None,
        billed=billed,
        at=at,
        since=since[history.subscription_id],
    )
    total = sum(each.amount for each in billed.values())
    return _Look(history, at, drafts, total, _unannounced(history, stretches, at))


def _import(
    histories: Iterable[History], at: Mapping[str, datetime], through: Mapping[str, datetime]
) -> None:
    """Write what other systems have billed, as charges that nobody hears of."""
    rows = []
    for history in histories:
        name = history.subscription_id
        if name in through:
            stretches = stretches_of(history)
            drafts = importing.billed_elsewhere(
                stretches,
                since=importing.known_since(history),
                through=through[name],
                at=at[name],
            )
            rows += _rows(_Look(history, at[name], drafts, 0, None))
    for row in rows:
        row.is_imported = True
    bulk.insert(Charge, rows)


def _unannounced(history: History, stretches: Sequence[Stretch], at: datetime) -> datetime | None:
    """Return when to look again, unless the subscription itself will have something to tell then:
    its next period."""
    following = next_change(stretches, at)
    agreement = history.entries[-1].agreement
    if following is None or agreement.state not in BILLABLE:
        return following
    renews_at = agreement.cycle.next_boundary(agreement.every, at)
    return following if following < renews_at else None


def _remember(looks: Iterable[_Look]) -> None:
    later = [
        NextCharge(
            subscription_id=look.history.subscription_id,
            customer_id=look.history.customer_id,
            at=look.next_at,
        )
        for look in looks
        if look.next_at is not None
    ]
    kept = {each.subscription_id for each in later}
    NextCharge.objects.filter(
        subscription_id__in=[
            look.history.subscription_id
            for look in looks
            if look.history.subscription_id not in kept
        ]
    ).delete()
    NextCharge.objects.bulk_create(
        later, update_conflicts=True, unique_fields=["subscription"], update_fields=["at"]
    )


def _rows(look: _Look) -> list[Charge]:
    now = clock.system_now()
    return [
        Charge(
            customer_id=look.history.customer_id,
            subscription_id=look.history.subscription_id,
            item=draft.key.slot.item,
            price_key=draft.key.price_key,
            version=draft.key.version_id,
            quantity=draft.key.quantity,
            part=draft.key.part,
            kind=draft.kind,
            amount=draft.amount,
            currency=draft.currency,
            settlement=draft.settlement,
            period_start=draft.period_start,
            period_end=draft.period_end,
            served_start=draft.key.slot.start,
            served_end=draft.key.slot.end,
            segments=[_segment(each) for each in draft.segments],
            unit_price=draft.unit_price,
            explanation=draft.explanation,
            due_at=draft.due_at,
            at=look.at,
            recorded_at=now,
        )
        for draft in look.drafts
    ]


def _segment(segment: Segment) -> dict[str, object]:
    return {
        "start": clock.written(segment.start),
        "end": None if segment.end is None else clock.written(segment.end),
        "fraction": str(segment.fraction),
        "exact": str(segment.exact),
        "amount": segment.amount,
    }


def _settled(looks: Iterable[_Look]) -> list[CreditEntry]:
    """Put what reductions leave in the customers' favour where it belongs.

    What was charged counts as paid: there are no payments yet.
    """
    entries, refunds = [], []
    now = clock.system_now()
    for look in looks:
        paid = Paid(look.billed, look.billed, look.billed, used=look.billed + look.net)
        owed: dict[Settlement, int] = defaultdict(int)
        for draft in look.drafts:
            owed[draft.settlement] -= draft.amount
        back = min(owed[Settlement.REFUND], -look.net)
        refund = settle(back, Settlement.REFUND, paid)
        balance = settle(-look.net - back, Settlement.CREDIT, paid)
        common = {
            "customer_id": look.history.customer_id,
            "subscription_id": look.history.subscription_id,
            "currency": look.drafts[0].currency,
            "at": look.at,
            "recorded_at": now,
        }
        to_balance = refund.to_balance + balance.to_balance
        if to_balance:
            entry = CreditEntry(kind=CreditKind.SETTLEMENT, amount=to_balance, **common)
            entries.append(entry)
        if refund.to_refund:
            refunds.append(RefundIntent(amount=refund.to_refund, **common))
    RefundIntent.objects.bulk_create(refunds)
    _enter(entries)
    return entries


def _enter(entries: Sequence[CreditEntry]) -> None:
    """Write entries, and raise the balances by them."""
    if not entries:
        return
    CreditEntry.objects.bulk_create(entries)
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for entry in entries:
        sums[entry.customer_id, entry.currency] += entry.amount
    in_order = sorted(sums)
    with connection.cursor() as cursor:
        cursor.execute(
            _RAISE,
            [
                [ids.decode(customer, prefix="cus") for customer, _ in in_order],
                [currency for _, currency in in_order],
                [sums[each] for each in in_order],
            ],
        )


def _charge_of(customer_id: str, charge_id: str) -> Charge:
    found = Charge.objects.filter(pk=charge_id, customer_id=customer_id).first()
    if found is None:
        raise ChargeNotFound("the customer has no such charge")
    return found


def _check_left(paid_for: Charge, amount: Money) -> None:
    lines = queries.billed({paid_for.subscription_id: None})[paid_for.subscription_id]
    line = lines[queries.line_of(paid_for)]
    left = line.amount - line.goodwill
    if amount.amount > left:
        rest = Money(left, amount.currency).to_major()
        raise CreditExceedsCharge(f"at most {rest} {amount.currency} of it is left", left=left)


def _charged(look: _Look, rows: Sequence[Charge]) -> Fact:
    return Fact(
        events.CHARGED,
        at=look.at,
        customer_id=look.history.customer_id,
        subject_id=look.history.subject_id,
        data={
            "subscription": look.history.subscription_id,
            "charges": [row.id for row in rows],
            "net": look.net,
            "currency": rows[0].currency,
        },
    )


def _credited(entry: CreditEntry) -> Fact:
    return Fact(
        events.CREDITED,
        at=entry.at,
        customer_id=entry.customer_id,
        data={
            "credit": entry.id,
            "kind": str(entry.kind),
            "amount": entry.amount,
            "currency": entry.currency,
            "charge": entry.charge_id,
        },
    )
