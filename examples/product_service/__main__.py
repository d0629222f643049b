"""``python -m examples.product_service --port 9001``"""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from examples.product_service.documents import CannotApply
from examples.product_service.server import ProductService
from examples.product_service.store import Store

SECRETS = "PRODUCT_SERVICE_SECRETS"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m examples.product_service",
        description="A product service that holds what it is told customers may use.",
        epilog=f"{SECRETS} holds the signing secrets it accepts, separated by commas (whsec_…).",
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--state", type=Path, help="a file to keep what it holds in")
    parser.add_argument("--name", default="", help="its key in the catalog; others are refused")
    given = parser.parse_args()
    secrets = [each.strip() for each in os.environ.get(SECRETS, "").split(",") if each.strip()]
    try:
        server = ProductService(
            (given.host, given.port), store=Store(given.state), secrets=secrets, name=given.name
        )
    except (ValueError, OSError, CannotApply) as error:
        parser.exit(2, f"{parser.prog}: it cannot start: {error} (see --help)\n")
    signal.signal(signal.SIGTERM, _stop)
    sys.stderr.write(f"listening on http://{given.host}:{server.server_address[1]}/\n")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
