"""Requests to look at: the first that failed in each way, and the slowest. Masked when they were kept."""

from itertools import accumulate

from perfspec.base.clock import SECOND
from perfspec.base.units import format_ms
from perfspec.engine.exemplars import Exemplar
from perfspec.report.html.markup import Markup, element, together
from perfspec.report.result import Result

__all__ = ["section"]

MOST = 6
"""Of failed ones, and of slow ones, on a page; the result document has them all."""
ROOM = 100_000
"""Bytes of the page for all examples together, in equal parts: of each request the failed half and the slow half."""


def section(result: Result, name: str) -> list[Markup]:
    """Of one request; nothing where none was kept."""
    own = [each for each in result.exemplars if each.key.name == name and each.key.part == "load"]
    failed = _first_of_each_kind([each for each in own if each.why == "failed"])
    slow = sorted((each for each in own if each.why == "slow"), key=lambda each: -each.response_ns)[:MOST]
    room = ROOM // len({each.key.name for each in result.exemplars}) // 2 if own else 0
    found = []
    for title, examples in (("Requests that failed", failed), ("The slowest requests", slow)):
        if examples:
            shown = _fitting([_example(each, room // 2) for each in examples], room)
            found.append(element("details", element("summary", title), *shown))
    return found


def _fitting(drawn: list[Markup], room: int) -> list[Markup]:
    """The first, and those behind it for which there is room."""
    sizes = accumulate(len(each.encode()) for each in drawn)
    return [each for number, (each, size) in enumerate(zip(drawn, sizes, strict=True)) if not number or size <= room]


def _first_of_each_kind(failed: list[Exemplar]) -> list[Exemplar]:
    """Kinds take turns, so that one loud kind hides no other."""
    by_kind: dict[str, list[Exemplar]] = {}
    for each in failed:
        by_kind.setdefault(each.kind, []).append(each)
    turns = [each for turn in range(MOST) for kind in by_kind.values() for each in kind[turn : turn + 1]]
    return turns[:MOST]


def _example(each: Exemplar, most: int) -> Markup:
    """`most`: bytes of either text."""
    first, *rest = [
        each.kind or "slow",
        f"response time {format_ms(each.response_ns)}",
        f"service time {format_ms(each.service_ns)}",
        f"first byte after {format_ms(each.first_byte_ns)}" if each.first_byte_ns else "no answer",
        f"due at {each.due_ns / SECOND:.1f} s",
        f"user {each.user}, round {each.round}",
        f"trace {each.trace_id}" if each.trace_id else "",
    ]
    return element(
        "div",
        element("p", element("strong", first), f" · {' · '.join(fact for fact in rest if fact)}"),
        element(
            "div",
            element("pre", _cut(each.sent, most), tabindex="0", aria_label="what was sent"),
            element("pre", _cut(each.answer, most), tabindex="0", aria_label="what was answered")
            if each.answer
            else None,
            class_="pair",
        ),
    )


def _cut(text: str, most: int) -> str:
    """As much as takes no more than so many bytes on the page."""
    kept, size = text, len(together([text]).encode())
    while size > most and kept:
        kept = kept[: len(kept) * most // size]
        size = len(together([kept]).encode())
    return kept if kept == text else f"{kept}... (more in result.json)"
