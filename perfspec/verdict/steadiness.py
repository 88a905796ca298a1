"""Is a load carried, or only begun? Two signs that a service falls behind while its percentiles still hold.

Waiting: in the last third of the time well more wait for answers than in the first. Little's law, N = X (R + Z): users
spend their time in rounds, so users times time is the sum of what the rounds took that ended. Where that falls short by
over a tenth, users are in rounds that do not end, and no percentile knows of them yet.
"""

from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import fmean, variance

from perfspec.metrics import histogram
from perfspec.metrics.rows import total
from perfspec.metrics.series import Slice

__all__ = ["FEWEST_SAMPLES", "is_growing", "lost_users"]

GROWN = 1.2
FEWEST_SAMPLES = 6
LOST = 0.1
ODD = 0.05
NOTHING_US = 50
"""No request is answered so fast: a round that took less had nothing to send."""
US = 1_000_000


def is_growing(waiting: Sequence[int]) -> bool:
    """Of those who wait, second by second: the last third is well above the first, by a fifth, by one at least, and by
    more than chance would have it.
    """
    third = len(waiting) // 3
    if len(waiting) < FEWEST_SAMPLES:
        return False
    first, last = waiting[:third], waiting[-third:]
    noise = 2 * sqrt((variance(first) + variance(last)) / third)
    return fmean(last) > GROWN * fmean(first) and fmean(last) - fmean(first) > max(1.0, noise)


def lost_users(users: Sequence[int], slices: Iterable[Slice]) -> str:
    """In words, how many users the rounds that ended do not account for; empty if they do. `users`: second by second.

    A round is cut at each end of the time, so a user may miss one; and looked at once a second, those who come and go
    are seen one too many, or as many as chance will have it. After a round that failed, or had nothing to send, the
    user waits outside of any: where there are many of these, nothing can be said.
    """
    rounds = total(slices, lambda piece: piece.key.timer == "round")
    odd = rounds.failed + sum(n for i, n in rounds.response.items() if i < NOTHING_US)
    if len(users) < FEWEST_SAMPLES or odd > ODD * rounds.n:
        return ""
    there, ended = fmean(users), histogram.count(rounds.response)
    took_s = histogram.mean(rounds.response) / US
    accounted = ended * took_s / len(users)
    cut = there * took_s / len(users)
    noise = max(1.0, 2 * sqrt(variance(users) / len(users)))
    if there - accounted <= LOST * there + cut + noise:
        return ""
    return (
        f"of {there:.0f} users, the rounds that ended account for {accounted:.0f} (Little's law): "
        "the others are in rounds that do not end"
    )
