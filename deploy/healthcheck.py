"""The container's health check: does the web process in it answer?

It asks as a visitor of BASE_URL would, because the platform refuses other host names.
"""

import http.client
import os
import sys
from urllib.parse import urlsplit

PORT = 8000
TIMEOUT_SECONDS = 4


def is_healthy(*, port: int, host_header: str) -> bool:
    """Whether GET /healthz on this machine answers 200 within four seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/healthz", headers={"Host": host_header})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_healthy(port=PORT, host_header=urlsplit(os.environ["BASE_URL"]).netloc))
