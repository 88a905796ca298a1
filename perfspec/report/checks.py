"""The lines of `expect`, `until` and `capture`, and how often each of them failed."""

from collections.abc import Sequence

import msgspec

from perfspec.diagnostics.source import Span
from perfspec.metrics import histogram
from perfspec.metrics.series import Slice
from perfspec.plan.model import Plan
from perfspec.steps import requests
from perfspec.steps.answers import kind_of_capture, kind_of_check
from perfspec.steps.kinds import Captured, Check

__all__ = ["CheckResult", "checks_of"]


class CheckResult(msgspec.Struct, frozen=True):
    """One line of `expect`, `until` or `capture`, and how often it failed."""

    request: str
    text: str
    span: Span
    n: int
    failed: int


def checks_of(plan: Plan, judged: Sequence[Slice]) -> tuple[CheckResult, ...]:
    errors: dict[tuple[str, str], int] = {}
    answered: dict[str, int] = {}
    for piece in judged:
        key = piece.key
        if key.timer in ("", "wait") and key.part in ("load", "each_user"):
            answered[key.name] = answered.get(key.name, 0) + histogram.count(piece.response)
            for kind, n in piece.errors.items():
                errors[key.name, kind] = errors.get((key.name, kind), 0) + n
    found = []
    for steps in (plan.each_user.first, *(flow.steps for flow in plan.flows), plan.each_user.last):
        for request in requests(steps):
            lines: tuple[Check | Captured, ...] = (*request.expect, *request.capture)
            for line in lines:
                if isinstance(line, Check):
                    kind, text = kind_of_check(line), str(line)
                else:
                    kind, text = kind_of_capture(line), f"capture {line.name} from {line.capture.place}"
                failed = sum(n for (name, k), n in errors.items() if name == request.name and _is_kind(k, kind))
                found.append(CheckResult(request.name, text, line.span, answered.get(request.name, 0), failed))
    return tuple(found)


def _is_kind(kind: str, wanted: str) -> bool:
    return kind == wanted or (wanted == "status" and kind.startswith("status "))
