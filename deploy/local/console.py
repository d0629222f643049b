"""What a person sees while the commands work."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str = "") -> None:
    """One line at once, whatever the output is connected to."""
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """`title …` when the work starts, the seconds it took behind it when it has ended well."""
    started = time.monotonic()
    print(f"{title} … ", end="", flush=True)
    try:
        yield
    except BaseException:
        say()
        raise
    say(f"{time.monotonic() - started:.1f} s")
