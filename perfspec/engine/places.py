"""`at_most: 500 users`: the places of people who come, over all processes that send.

Each process keeps count of its own people in a number that all of them can read, and that nobody else writes. Whoever
comes is counted first and looked for a place afterwards: so there are never too many, and somebody is turned away while
a place is free only if two come to different processes within the same microsecond or so.
"""

import mmap
import os
import tempfile
from collections.abc import MutableSequence

__all__ = ["Board", "Places"]

COUNT_BYTES = 8


class Places:
    def __init__(self, counts: MutableSequence[int], mine: int) -> None:
        """`counts`: how many each process has; `mine`: which of them is this one's."""
        self._counts = counts
        self._mine = mine

    @classmethod
    def of_one(cls) -> "Places":
        """Of a process that shares the load with none."""
        return cls([0], 0)

    def take(self, most: int) -> bool:
        """Is there one, where there are `most` in all? Then it is taken."""
        counts, mine = self._counts, self._mine
        counts[mine] += 1
        if sum(counts) <= most:
            return True
        counts[mine] -= 1
        return False

    def leave(self) -> None:
        self._counts[self._mine] -= 1


class Board:
    """The counts, in memory that processes of one machine share: a file without a name, handed on when they start."""

    def __init__(self, processes: int, descriptor: int | None = None) -> None:
        """`descriptor`: of a board that another process has made. Raises OSError."""
        size = processes * COUNT_BYTES
        if descriptor is None:
            with tempfile.TemporaryFile() as file:
                file.truncate(size)
                self.descriptor = os.dup(file.fileno())
        else:
            self.descriptor = descriptor
        self._memory = mmap.mmap(self.descriptor, size)
        self._counts = memoryview(self._memory).cast("q")

    def places(self, process: int) -> Places:
        return Places(self._counts, process)  # type: ignore[arg-type]  # a view of numbers, of a length that stays

    def forget(self, process: int) -> None:
        """It is gone, and so are its people."""
        self._counts[process] = 0

    def close(self) -> None:
        self._counts.release()
        self._memory.close()
        os.close(self.descriptor)
