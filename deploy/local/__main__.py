"""`python -m deploy.local run|test|check|manage`, as bin/* call it."""

import sys

from deploy.local import check, manage, run, testing
from deploy.local.errors import LaunchError

COMMANDS = {"run": run.main, "test": testing.main, "check": check.main, "manage": manage.main}


def main() -> int:
    try:
        return COMMANDS[sys.argv[1]](sys.argv[2:])
    except LaunchError as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        return 1
    except PermissionError as error:
        print(
            f"\n{error}\nA file made by another account? Use that account again, or remove .local.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
