"""A change set of many customers that is applied while processes die."""

from typing import Any

from tests.bin.processes import wait_for
from tests.faults.api import Api

CUSTOMERS = 60
PREVIEW_SECONDS = 60.0


class Migration:
    """Customers with Workers Paid, 5.00 a month, whom staff move to Workers Free with a credit."""

    def __init__(self, api: Api) -> None:
        self._api = api
        for number in range(CUSTOMERS):
            api.post(
                "customers",
                key=f"paid-{number}",
                currency="USD",
                plans={"workers": "workers_paid"},
            )
        change = {"plan": "workers_free", "timing": "now", "settlement": "credit"}
        made = api.post(
            "change-sets",
            selector={"plan": "workers_paid"},
            operations=[{"change": change}],
            reason="Workers Paid is given up",
        )
        self._path = f"change-sets/{made['resource']['id']}"
        wait_for(lambda: self.state == "ready", seconds=PREVIEW_SECONDS)

    @property
    def state(self) -> str:
        return str(self._shown()["state"])

    def begin(self) -> None:
        self._api.post(f"{self._path}/approve")
        self._api.post(f"{self._path}/apply")

    def is_done(self) -> bool:
        return self.state == "applied"

    def assert_each_was_moved_once(self) -> None:
        assert self._shown()["items"]["applied"] == CUSTOMERS
        for number in range(CUSTOMERS):
            key = f"paid-{number}"
            (subscription,) = self._api.rows("subscriptions", customer=key)
            assert subscription["plan"] == "workers_free"
            changed = self._api.rows(f"customers/{key}/timeline")
            assert [event["type"] for event in changed].count("subscription.changed") == 1
            charged, credited = reversed(self._api.rows(f"customers/{key}/charges"))
            assert (charged["kind"], charged["amount"]["amount"]) == ("advance", 500)
            balance = self._api.get(f"customers/{key}/credit-balance")["balances"]
            assert [each["amount"] for each in balance] == [-credited["amount"]["amount"]]

    def _shown(self) -> Any:
        return self._api.get(self._path)
