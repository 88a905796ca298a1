"""A token bucket per caller: `per_s` requests a second in the long run, twice as many at once."""

import math
from collections.abc import Callable, Hashable

from perfspec.base.clock import SECOND

__all__ = ["RateLimit"]


class RateLimit:
    """Full at the start. Nothing runs in the background: whoever asks finds what has flowed in since."""

    def __init__(self, per_s: int, now_ns: Callable[[], int]) -> None:
        self._gap_ns = SECOND // per_s
        self._depth_ns = 2 * SECOND
        self._now_ns = now_ns
        self._empty_until_ns: dict[Hashable, int] = {}
        """Per caller, when the bucket would be full again; the farther ahead, the emptier it is."""

    def take(self, caller: Hashable) -> int:
        """Take one request; 0, or after how many seconds the caller may come again if there is none."""
        now_ns = self._now_ns()
        full_ns = max(now_ns, self._empty_until_ns.get(caller, now_ns)) + self._gap_ns
        if full_ns - now_ns > self._depth_ns:
            return math.ceil((full_ns - now_ns - self._depth_ns) / SECOND)
        self._empty_until_ns[caller] = full_ns
        return 0
