"""The API of a platform that is being hit, as a patient client asks it."""

import time
import uuid
from typing import Any

import httpx2

from tests.running import told

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.1


class Api:
    """Asks again, with the same idempotency key, while nobody answers. ``statuses``: all seen."""

    def __init__(self, said: str) -> None:
        self._told = told(said)
        self._client = httpx2.Client(
            base_url=self._told["PLATFORM"], timeout=PATIENCE_SECONDS, trust_env=False
        )
        self.statuses: list[int] = []
        self._client.headers["Authorization"] = f"Bearer {self._token()}"

    def get(self, path: str, **query: str) -> Any:
        return self._answer("GET", path, params=query)

    def post(self, path: str, **body: Any) -> Any:
        return self._answer("POST", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})

    def rows(self, path: str, **query: str) -> list[Any]:
        page = self.get(path, limit="100", **query)
        assert page["next_cursor"] is None, "more rows than one page holds"
        rows: list[Any] = page["data"]
        return rows

    def close(self) -> None:
        self._client.close()

    def _token(self) -> str:
        answer = self._client.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(self._told["CLIENT_ID"], self._told["CLIENT_SECRET"]),
        )
        token: str = answer.raise_for_status().json()["access_token"]
        return token

    def _answer(self, method: str, path: str, **asked: Any) -> Any:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self._client.request(method, f"/v1/{path}", **asked)
                break
            except httpx2.TransportError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(PAUSE_SECONDS)
        self.statuses.append(answer.status_code)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()
