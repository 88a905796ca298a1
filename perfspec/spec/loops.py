"""What a loop reads at its first pass, and only captures later on: the number of a page, say."""

from collections.abc import Iterable, Iterator

from perfspec import steps as kinds
from perfspec.spec.model import Spec
from perfspec.steps.kinds import ForEach, Repeat, Step, Use
from perfspec.steps.reading import Bind, Read

__all__ = ["goes_round"]


def goes_round(spec: Spec, read: Read, bind: Bind) -> bool:
    """Is the name captured in a loop that reads it as well?"""
    for steps in spec.parts():
        for loop in _loops(steps):
            spans = [(type(name), name.span) for name in kinds.names(loop.steps)]
            if (Read, read.span) in spans and (Bind, bind.span) in spans:
                return True
    return False


def _loops(steps: Iterable[Step]) -> Iterator[Repeat | ForEach]:
    for step in steps:
        if isinstance(step, Repeat | ForEach):
            yield step
        if not isinstance(step, Use):
            for _, held in kinds.children(step):
                yield from _loops(held)
