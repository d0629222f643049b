"""How long properties and the state machine search: by default some seconds, or until tired.

    .venv/bin/pytest tests/subscriptions -k "machine or properties or history" \\
        --hypothesis-profile=long

tries twenty times as much. The folder must be named, so that the profile is known in time.
"""

from hypothesis import settings

settings.register_profile("long", max_examples=2000, stateful_step_count=80, deadline=None)
