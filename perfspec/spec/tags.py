"""Few values per tag."""

from collections import abc
from collections.abc import Callable, Iterable, Mapping
from math import ceil

from perfspec import steps as kinds
from perfspec.data.kinds import Choice, Csv, Data, Fake, Jsonl, Number, Sequence, Time, Uuid, Words
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.expressions import Path
from perfspec.language.templates import Text
from perfspec.metrics.labels import MOST_TAG_VALUES
from perfspec.spec.model import Spec
from perfspec.steps.kinds import Step
from perfspec.steps.paths import reach

__all__ = ["check_tags"]

MOST_ROWS = 10_000
Rows = Mapping[str, abc.Sequence[Mapping[str, object]]]


def check_tags(spec: Spec, rows: Rows, out: Diagnostics) -> None:
    """Warn of tags that have more values than are kept apart. `rows`: name of a generator -> the rows of its file."""
    data = {each.name: each for each in spec.data}
    for request in kinds.requests(tuple(_steps(spec))):
        for tag, text in request.tags:
            for path, span in _whole(text):
                if _values(path, data, rows) > MOST_TAG_VALUES:
                    message = f"the tag `{tag}` can have more than {MOST_TAG_VALUES} values"
                    hint = "the first ones are kept apart, the rest is `other`; tag by `bucket(...)` or a smaller group"
                    out.add("PS604", message, span, hint, severity=Severity.WARNING)


def _steps(spec: Spec) -> Iterable[Step]:
    for steps in spec.parts():
        yield from steps


def _whole(text: Text) -> Iterable[tuple[Path, Span]]:
    """Names that go into a text as they are: no function makes fewer values of them."""
    for hole in templates.holes(text.source):
        if isinstance(hole.tree, Path):
            yield hole.tree, text.at(hole.start, hole.end)


def _values(path: Path, data: Mapping[str, Data], rows: Rows) -> float:
    """How many values a name can have, as far as that is known."""
    if path.root in ("user", "round"):
        return float("inf")
    match data.get(path.root):
        case Choice(values=values):
            return len(values)
        case Csv(name=name) | Jsonl(name=name):
            return _values_in(rows.get(name, ()), reach(path.parts[1:]))
        case Number(low=low, high=high, decimals=decimals):
            return (high - low) * float(10**decimals) + 1
        case Fake() | Words() | Sequence() | Uuid() | Time():
            return float("inf")
        case _:
            return 0


def _values_in(rows: abc.Sequence[Mapping[str, object]], value: Callable[[object], object]) -> int:
    """Counted until there are too many. Of a long file so many rows are looked at, evenly from beginning to end."""
    found: set[str] = set()
    for place in range(0, len(rows), ceil(len(rows) / MOST_ROWS) or 1):
        found.add(str(value(rows[place])))
        if len(found) > MOST_TAG_VALUES:
            break
    return len(found)
