"""What goes wrong while starting."""


class LaunchError(Exception):
    """The command cannot go on. The text says why and what to do, for whoever started it."""
