"""``manage.py import_subscriptions``: files of any size, line by line."""

import json
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import bulk
from core.api.serializers import validated
from invoicing.models import Charge
from subscriptions import services
from subscriptions.api.imports import ImportItemIn, as_item
from subscriptions.models import Import, Subscription
from subscriptions.services import import_each, importing
from tests.scenarios.imports import SHOP, ada_with_a_free_zone, charged, import_, row_counts, usd
from tests.world import World


@pytest.fixture
def shop(world: World) -> str:
    return ada_with_a_free_zone(world)


def run(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("import_subscriptions", *arguments, stdout=out, stderr=StringIO())
    return [json.loads(line) for line in out.getvalue().splitlines()]


def run_refused(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    with pytest.raises(CommandError, match="refused"):
        call_command("import_subscriptions", *arguments, stdout=out, stderr=StringIO())
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def zones(world: World, shop: str) -> list[str]:
    """Names of 120 more zones of Ada's, on Free: more than one batch."""
    keys = [f"zone-{number}.example" for number in range(120)]
    subjects = [{"key": key, "kind": "zone"} for key in keys]
    world.post("customers/ada/subjects/bulk", status=201, subjects=subjects)
    return keys


def items(keys: list[str]) -> list[dict[str, Any]]:
    return [{**SHOP, "external_id": f"old-{key}", "subject": key} for key in keys]


def test_a_file_is_imported_in_batches_and_can_be_given_again(
    world: World, zones: list[str], tmp_path: Path
) -> None:
    lines = [json.dumps(each) for each in items(zones)]
    file = tmp_path / "old.jsonl"
    before = row_counts()
    file.write_text("\n".join(lines))

    dry = run(str(file), "--dry-run")
    assert [each["status"] for each in dry] == ["imported"] * 120
    assert dry[0]["first_charge"] == {"at": "2026-02-28T00:00:00Z", "amount": usd(2500)}
    assert row_counts() == before

    # it stopped after 50; then the whole file comes, with a line that says nonsense in between
    file.write_text("\n".join(lines[:50]))
    assert [each["status"] for each in run(str(file))] == ["imported"] * 50
    broken = json.dumps({**SHOP, "external_id": "old-x", "customer": "nobody"})
    file.write_text("\n".join([*lines[:80], broken, "{", "", *lines[80:]]))
    told = run_refused(str(file))
    assert [each["status"] for each in told] == [
        *["already_imported"] * 50,
        *["imported"] * 30,
        *["refused"] * 2,
        *["imported"] * 40,
    ]
    assert told[80] == {
        "line": 81,
        "external_id": "old-x",
        "status": "refused",
        "errors": [
            {
                "pointer": "/customer",
                "code": "customer_not_found",
                "detail": "there is no such customer",
            }
        ],
    }
    assert (told[81]["line"], told[81]["errors"][0]["code"]) == (82, "malformed_json")
    assert Import.objects.count() == 120
    assert Subscription.objects.filter(plan_version__plan__key="pro").count() == 120
    assert charged(world, "ada") == ["2026-02-14 advance 25.00 (there)"] * 100
    again = run_refused(str(file))
    assert [each["status"] for each in again].count("already_imported") == 120


def test_a_customer_in_the_way_stops_nobody_else(world: World, shop: str, tmp_path: Path) -> None:
    world.zone(world.customer("bob"), "bob.example")
    bob = {**SHOP, "external_id": "old-2", "customer": "bob", "subject": "bob.example"}
    world.delete("customers/bob")
    file = tmp_path / "old.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in (bob, SHOP)))
    told = run_refused(str(file))
    assert [(each["status"], each.get("errors", [{}])[0].get("code")) for each in told] == [
        ("refused", "customer_closed"),
        ("imported", None),
    ]
    assert import_(world, bob, SHOP, status=409)["code"] == "customer_closed"


def test_what_was_imported_is_so_whatever_became_of_its_customer(
    world: World, shop: str, tmp_path: Path
) -> None:
    world.zone(world.customer("bob"), "bob.example")
    bob = {**SHOP, "external_id": "old-2", "customer": "bob", "subject": "bob.example"}
    file = tmp_path / "old.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in (bob, SHOP)))
    first = run(str(file))
    world.delete("customers/bob")

    again = run(str(file))

    assert [each["status"] for each in again] == ["already_imported"] * 2
    assert [each["subscription"] for each in again] == [each["subscription"] for each in first]
    assert import_(world, bob)["resource"]["data"][0]["status"] == "already_imported"
    other = {**bob, "billed_through": "2026-02-14T00:00:00Z"}
    [wrong] = import_(world, other, status=422)["errors"]
    assert wrong["code"] == "imported_differently"


def test_a_run_that_is_killed_goes_on_where_it_was(
    world: World, zones: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed in the second hundred, when all but its last word is written."""
    file = tmp_path / "old.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in items(zones)))
    steps = []

    def killed(model: Any, rows: Any) -> None:
        if model is Import:
            steps.append(len(rows))
        if len(steps) == 2:
            raise KeyboardInterrupt
        bulk.insert(model, rows)

    monkeypatch.setattr(importing, "bulk", SimpleNamespace(insert=killed, write=bulk.write))
    with pytest.raises(KeyboardInterrupt):
        run(str(file))
    monkeypatch.undo()
    assert (steps, Import.objects.count()) == ([100, 20], 100)

    told = run(str(file))

    assert [each["status"] for each in told] == ["already_imported"] * 100 + ["imported"] * 20
    assert Charge.objects.values("subscription").distinct().count() == 120
    assert Charge.objects.count() == 120


def test_customers_in_the_way_are_found_by_halving(
    world: World, zones: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 64 lines two are of a customer who is closed: 1 + 2 + 4 + … steps find them, not 64."""
    world.zone(world.customer("bob"), "bob.example")
    world.delete("customers/bob")
    lines = items(zones[:64])
    for place in (10, 50):
        lines[place] |= {"customer": "bob", "subject": "bob.example"}
    file = tmp_path / "old.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in lines))
    steps = []

    def counted(**asked: Any) -> Any:
        steps.append(len(asked["items"]))
        return import_each(**asked)

    monkeypatch.setattr(services, "import_each", counted)
    told = run_refused(str(file))
    refused = [each["line"] for each in told if each["status"] == "refused"]
    assert refused == [11, 51]
    assert Import.objects.count() == 62
    assert sorted(steps, reverse=True) == [
        64,
        *[32] * 2,
        *[16] * 4,
        *[8] * 4,
        *[4] * 4,
        *[2] * 4,
        *[1] * 4,
    ]


def test_thirty_lines_take_as_many_statements_as_three(
    world: World, zones: list[str], tmp_path: Path
) -> None:
    def taken(keys: list[str]) -> int:
        lines = items(keys)
        pause = {"state": "paused", "paused_since": "2026-02-10T00:00:00Z"}
        failed = {"state": "past_due", "past_due_since": "2026-02-10T00:00:00Z"}
        for place, line in enumerate(lines):
            end = {"ends_at": "2026-03-31T00:00:00Z", "metadata": {"place": str(place)}}
            line |= ({**pause, **end}, failed, {"trial_spent": True})[place % 3]
        with CaptureQueriesContext(connection) as captured:
            outcomes = import_each(items=[as_item(validated(ImportItemIn, each)) for each in lines])
        assert not any(each.problem for each in outcomes)
        return len(captured)

    taken(zones[:3])  # now the catalog is known, and Ada is blocked
    assert taken(zones[3:6]) == taken(zones[6:36])


def test_a_csv_file_names_states_and_versions_of_add_ons(
    world: World, shop: str, tmp_path: Path
) -> None:
    file = tmp_path / "old.csv"
    header = (
        "external_id,customer,subject,plan,started_at,anchor_day_of_month,billed_through,"
        "state,paused_since,pause_mode,resumes_at,past_due_since,add_ons,add_on_versions"
    )
    shop_is = "ada,shop.example,pro,2024-01-31T00:00:00Z,31,2026-02-28T00:00:00Z"
    pause = "paused,2026-02-10T00:00:00Z,extend,2026-02-20T00:00:00Z"
    world.zone("ada", "blog.example")
    blog_is = shop_is.replace("shop.example", "blog.example")
    adv = "adv_01jd0000000000000000000001"
    file.write_text(
        "\n".join(
            [
                header,
                f"old-1,{shop_is},{pause},,,",
                f"old-2,{blog_is},past_due,,,,2026-02-10T00:00:00Z,,more_rules={adv}",
            ]
        )
    )
    good, bad = run_refused(str(file))
    assert (good["status"], good["first_charge"]["at"]) == ("imported", "2026-03-10T00:00:00Z")
    assert [(each["pointer"], each["code"]) for each in bad["errors"]] == [
        ("/add_on_versions", "not_in_add_ons")
    ]


def test_a_csv_file_says_the_same(world: World, shop: str, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    header = (
        "external_id,customer,subject,plan,interval,quantity,started_at,anchor_day_of_month,"
        "billed_through,trial_spent,metadata.old id"
    )
    good = (
        "old-1,ada,shop.example,pro,month,,2024-01-31T00:00:00Z,31,2026-02-28T00:00:00Z,true,4711"
    )
    bad = "old-2,ada,shop.example,pro,month,many,2024-01-31T00:00:00Z,31,28 February,yes,"
    file.write_text("\n".join([header, good, bad]))
    told = run_refused(str(file))
    assert [(each["line"], each["status"]) for each in told] == [(2, "imported"), (3, "refused")]
    assert [(each["pointer"], each["code"]) for each in told[1]["errors"]] == [
        ("/quantity", "not_an_integer"),
        ("/billed_through", "malformed_instant"),
        ("/trial_spent", "not_a_boolean"),
    ]
    now = world.subscription(shop)
    assert (now["anchor_day"], now["metadata"]) == (31, {"old id": "4711"})

    file.write_text("external_id,customer,price\nold-3,ada,5\n")
    with pytest.raises(CommandError, match="no such columns: price"):
        run(str(file))


def test_a_dry_run_of_a_long_file_tells_what_the_run_tells(
    world: World, zones: list[str], tmp_path: Path
) -> None:
    """What is there twice is more than a batch apart."""
    lines = items(zones)
    lines += [
        lines[0],
        {**lines[1], "billed_through": "2026-02-14T00:00:00Z"},
        {**lines[2], "external_id": "old-again"},
    ]
    file = tmp_path / "old.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in lines))
    dry, wet = run_refused(str(file), "--dry-run"), run_refused(str(file))
    assert [each["status"] for each in wet[120:]] == ["already_imported", "refused", "refused"]
    assert [each["errors"][0]["code"] for each in wet[121:]] == [
        "imported_differently",
        "already_subscribed",
    ]
    for each in (*dry, *wet):
        for error in each.get("errors", []):
            del error["detail"]
    assert dry == wet


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"[1, 2]", "malformed_json"),
        (b'"text"', "malformed_json"),
        (b"[" * 100_000, "too_deep"),
        (b'{"external_id": "a", "external_id": "b"}', "duplicate_key"),
        (b'{"quantity": NaN}', "unacceptable_number"),
        (b'{"external_id": "\xff"}', "unsupported_encoding"),
        (b'{"external_id": "' + b"a" * 300_000 + b'"}', "body_too_large"),
        (b'{"external_id": "\\u0000"}', "unacceptable_text"),
    ],
)
def test_lines_are_read_as_strictly_as_bodies(tmp_path: Path, line: bytes, code: str) -> None:
    file = tmp_path / "old.jsonl"
    file.write_bytes(b"\xef\xbb\xbf\n" + line + b"\n")
    [told] = run_refused(str(file))
    assert (told["line"], told["errors"][0]["code"]) == (2, code)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"external_id,plan,plan\n", "a column is there twice"),
        (b'external_id,plan\nold-1,"pro\n', "no CSV in UTF-8"),
        (b"external_id,plan\nold-1,\xff\n", "no CSV in UTF-8"),
    ],
)
def test_what_is_no_csv_is_named(tmp_path: Path, text: bytes, says: str) -> None:
    file = tmp_path / "OLD.CSV"
    file.write_bytes(text)
    with pytest.raises(CommandError, match=says):
        run(str(file))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match=r"cannot read nowhere\.jsonl"):
        run("nowhere.jsonl")
