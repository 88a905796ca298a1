"""`at_most: 500 users`: the places of people who come, over all processes that send.

Each process keeps its own numbers where all can read them, and nobody else writes them. Whoever comes is counted first
and looked for a place afterwards: so there are never too many, and somebody is turned away while a place is free only
if two come to different processes within the same microsecond or so.

The numbers also say whose doing it is that there is no place. Whoever was sent late, by any of the processes, may be in
the place of one other, and of no more than one; all the rest the service has turned away, by being slow.
"""

import mmap
import os
import tempfile
from collections.abc import MutableSequence
from dataclasses import dataclass, fields

__all__ = ["Board", "Columns", "Places"]

BYTES = 8


@dataclass(frozen=True, slots=True)
class Columns:
    """What is known of each process, by its number."""

    people: MutableSequence[int]
    """How many are there."""
    late: MutableSequence[int]
    """Those of them who were sent late."""
    excuses: MutableSequence[int]
    """For how many people there was a reason to find no place: one more for each who is sent late."""
    used: MutableSequence[int]
    """How many of the excuses were made use of, or have lapsed."""

    @classmethod
    def of(cls, processes: int) -> "Columns":
        return cls(*([0] * processes for _ in range(COLUMNS)))


COLUMNS = len(fields(Columns))


class Places:
    def __init__(self, columns: Columns, mine: int) -> None:
        """`mine`: which of the processes this one is."""
        self._people = columns.people
        self._columns = columns
        self._mine = mine

    @classmethod
    def of_one(cls) -> "Places":
        """Of a process that shares the load with none."""
        return cls(Columns.of(1), 0)

    def take(self, most: int) -> bool:
        """Is there one, where there are `most` in all? Then it is taken."""
        people, mine = self._people, self._mine
        people[mine] += 1
        if sum(people) <= most:
            return True
        people[mine] -= 1
        return False

    def leave(self) -> None:
        self._people[self._mine] -= 1

    def came_late(self) -> None:
        """Who has just taken a place."""
        self._columns.late[self._mine] += 1
        self._columns.excuses[self._mine] += 1

    def late_one_left(self) -> None:
        """An excuse that nobody needed while they were there is none any more."""
        columns, mine = self._columns, self._mine
        columns.late[mine] -= 1
        columns.used[mine] += max(self._unused() - sum(columns.late), 0)

    def excuse(self) -> bool:
        """Somebody finds no place: may that be because another is there too late? Then it is said of no second one."""
        if not any(self._columns.late) or self._unused() <= 0:
            return False
        self._columns.used[self._mine] += 1
        return True

    def _unused(self) -> int:
        return sum(self._columns.excuses) - sum(self._columns.used)


class Board:
    """The numbers, in memory that processes of one machine share: a file without a name, handed on when they start."""

    def __init__(self, processes: int, descriptor: int | None = None) -> None:
        """`descriptor`: of a board that another process has made. Raises OSError."""
        size = processes * COLUMNS * BYTES
        if descriptor is None:
            with tempfile.TemporaryFile() as file:
                file.truncate(size)
                self.descriptor = os.dup(file.fileno())
        else:
            self.descriptor = descriptor
        self._memory = mmap.mmap(self.descriptor, size)
        self._views = [self._memory_of(column, processes) for column in range(COLUMNS)]
        self._columns = Columns(*self._views)  # type: ignore[arg-type]  # views of numbers, of a length that stays

    def _memory_of(self, column: int, processes: int) -> memoryview:
        size = processes * BYTES
        return memoryview(self._memory)[column * size : (column + 1) * size].cast("q")

    def places(self, process: int) -> Places:
        return Places(self._columns, process)

    def forget(self, process: int) -> None:
        """It is gone, and so are its people."""
        self._columns.people[process] = self._columns.late[process] = 0

    def close(self) -> None:
        for view in self._views:
            view.release()
        self._memory.close()
        os.close(self.descriptor)
