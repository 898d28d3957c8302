"""How many examples the suites of the features try, and what those come to.

The deep profile (``make deep``) tries thousands where every day's tests try dozens.
"""

from collections import Counter

from hypothesis import settings

DEEP = "deep"
TRIED: Counter[str] = Counter()
"""What was tried so far, by its name: streams, answers compared."""


def examples(n: int) -> int:
    """Return how many examples a suite tries: ``n``, but under the deep profile as many as that says."""
    return settings().max_examples if settings.get_current_profile_name() == DEEP else n
