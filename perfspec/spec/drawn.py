"""Meaning of `data`: what generators read of each other, and what `fresh` draws again."""

import difflib
from collections.abc import Iterator

from perfspec import data as kinds
from perfspec.data.kinds import Choice, Csv, Data, Jsonl, Sequence
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.expressions import Path
from perfspec.spec.model import Spec

__all__ = ["check", "personal", "reads"]

ALWAYS = frozenset({"run", "values", "secret", "user", "round"})

DEEPEST = 20


def check(spec: Spec, out: Diagnostics) -> None:
    """Report generators that read what nobody draws, or themselves."""
    known = {data.name for data in spec.data} | spec.unread.keys()
    for data in spec.data:
        for path, span in kinds.reads(data):
            if path.root not in known and path.root not in ALWAYS:
                near = difflib.get_close_matches(path.root, known, 1)
                hint = "a generator reads other data, `values`, `run`, `user` and `round`; for the rest use `set`"
                message = f"no data is called `{path.root}`"
                out.add("PS301", message, _root(path, span), f"did you mean `{near[0]}`?" if near else hint)
    _circles(spec.data, out)


def reads(spec: Spec) -> Iterator[tuple[Path, Span]]:
    """Everything that generators read."""
    for data in spec.data:
        yield from kinds.reads(data)


def personal(spec: Spec) -> set[str]:
    """Data that only a user can draw: dealt out in turn, or made of who and when; and all that is made of it."""
    below = {data.name: {path.root for path, _ in kinds.reads(data)} for data in spec.data}
    found = {data.name for data in spec.data if isinstance(data, Sequence) or _is_dealt(data)}
    found |= {name for name, roots in below.items() if roots & {"user", "round"}}
    while more := {name for name, roots in below.items() if roots & found} - found:
        found |= more
    return found


def _is_dealt(data: Data) -> bool:
    return isinstance(data, (Choice, Csv, Jsonl)) and data.order is not None and data.order.is_dealt


def _circles(found: tuple[Data, ...], out: Diagnostics) -> None:
    """Each circle once, at the first read that closes it."""
    below = {data.name: {path.root: (path, span) for path, span in kinds.reads(data)} for data in found}
    done: set[str] = set()
    for start in below:
        way: list[str] = []
        _follow(start, below, way, done, out)


def _follow(
    name: str, below: dict[str, dict[str, tuple[Path, Span]]], way: list[str], done: set[str], out: Diagnostics
) -> None:
    way.append(name)
    if len(way) > DEEPEST:
        span = next(iter(below[way[-2]].values()))[1]
        out.add("PS232", f"data reads data more than {DEEPEST - 1} deep", span, "draw it from fewer names")
        below[name] = {}
    for other, (path, span) in below[name].items():
        if other in way:
            circle = [*way[way.index(other) :], other]
            message = f"`{other}` needs itself: " + " reads ".join(f"`{each}`" for each in circle)
            out.add("PS232", message, _root(path, span), "draw one of them without the other")
        elif other in below and other not in done:
            _follow(other, below, way, done, out)
    way.pop()
    done.add(name)


def _root(path: Path, span: Span) -> Span:
    return span.part(0, len(path.root)) if span.width else span
