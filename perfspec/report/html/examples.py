"""Requests to look at: the first that failed in each way, and the slowest. Masked when they were kept."""

from perfspec.base.clock import SECOND
from perfspec.base.units import format_ms
from perfspec.engine.exemplars import Exemplar
from perfspec.report.html.markup import Markup, element
from perfspec.report.result import Result

__all__ = ["section"]

MOST = 6
"""Of failed ones, and of slow ones, on a page; the result document has them all."""


def section(result: Result, name: str) -> list[Markup]:
    """Of one request; nothing where none was kept."""
    own = [each for each in result.exemplars if each.key.name == name and each.key.part == "load"]
    failed = _first_of_each_kind([each for each in own if each.why == "failed"])
    slow = sorted((each for each in own if each.why == "slow"), key=lambda each: -each.response_ns)[:MOST]
    found = []
    for title, examples in (("Requests that failed", failed), ("The slowest requests", slow)):
        if examples:
            found.append(element("details", element("summary", title), *(_example(each) for each in examples)))
    return found


def _first_of_each_kind(failed: list[Exemplar]) -> list[Exemplar]:
    """Kinds take turns, so that one loud kind hides no other."""
    by_kind: dict[str, list[Exemplar]] = {}
    for each in failed:
        by_kind.setdefault(each.kind, []).append(each)
    turns = [each for turn in range(MOST) for kind in by_kind.values() for each in kind[turn : turn + 1]]
    return turns[:MOST]


def _example(each: Exemplar) -> Markup:
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
            element("pre", each.sent, tabindex="0", aria_label="what was sent"),
            element("pre", each.answer, tabindex="0", aria_label="what was answered") if each.answer else None,
            class_="pair",
        ),
    )
