"""How long things live, in one place, because the numbers depend on each other."""

from datetime import timedelta

TOKEN_LIFE = timedelta(minutes=15)
CLOCK_LEEWAY = timedelta(seconds=60)

# Verifiers elsewhere may keep the published key set this long …
KEY_SET_CACHE = timedelta(minutes=5)
# … so a new key must have been published for longer before it signs,
PUBLICATION_DELAY = 2 * KEY_SET_CACHE
# and a retired one stays published until the last token it signed has expired everywhere.
KEY_REMOVED_AFTER = TOKEN_LIFE + CLOCK_LEEWAY

# Each process looks for news about once a second, waits for them after five, and answers from what
# it knows for a token's life when the database is away: no token can be issued meanwhile.
DIRECTORY_REFRESH = timedelta(seconds=1)
DIRECTORY_STALE = timedelta(seconds=5)
DIRECTORY_LIMIT = TOKEN_LIFE
