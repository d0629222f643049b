"""Stories that all play on one clock, each with a customer of its own.

A story is a generator: it acts, and yields the instant at which it goes on. What is checked of
every story besides what it says:

- each command is previewed by a change set first, and then does exactly what was shown;
- at each instant, subscription and entitlements are what was foretold when the story waited for it;
- at the end, the past reads as it was seen, and as the timeline tells it.
"""

from collections.abc import Callable, Generator

from tests.scenarios.cases.account import Account
from tests.world import World, instant

Story = Generator[str, None, None]
Told = Callable[[Account], Story]


class Stories:
    """The stories of a file: ``@stories`` adds one, ``play`` plays all of them.

    ``leaving``: they take so long that a story's customer leaves when it is told.
    """

    def __init__(self, since: str, *, leaving: bool = False) -> None:
        self.since = instant(since)
        self.leaving = leaving
        self.told: list[Told] = []

    def __call__(self, told: Told) -> Told:
        self.told.append(told)
        return told

    def play(self, world: World) -> None:
        """Play them in the order of their instants.

        :raises ExceptionGroup: with all that failed, each with its story's name
        """
        world.starts_on(self.since)
        waiting = [_Waiting(told, world, self.since) for told in self.told]
        failed: list[Exception] = []
        now = self.since
        while waiting:
            until = min(each.until for each in waiting)
            if until != now:
                world.advance_to(until)
                now = until
            for each in [each for each in waiting if each.until == until]:
                try:
                    each.go_on()
                except StopIteration:
                    waiting.remove(each)
                    if self.leaving:
                        each.account.leaves()
                except Exception as error:
                    error.add_note(each.account.key)
                    failed.append(error)
                    waiting.remove(each)
        if failed:
            raise ExceptionGroup("stories", failed)


class _Waiting:
    """A story, and the instant at which it goes on."""

    def __init__(self, told: Told, world: World, since: str) -> None:
        self.account = Account(world, told.__name__)
        self.story = told(self.account)
        self.until = since

    def go_on(self) -> None:
        """:raises StopIteration: when it is told"""
        self.account.arrives(self.until)
        try:
            until = instant(next(self.story))
        except StopIteration:
            self.account.looks_back()
            raise
        assert until > self.until, (until, self.until)
        self.account.waits(until)
        self.until = until
