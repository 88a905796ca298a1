"""What else of a change to a spec bears on its verdict: when the gate runs at all, how much load it makes, how requests
are sent, what production promises. Loosened is whatever asks less of the service, or lets it take longer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import Any, Literal

import msgspec

from perfspec.base.units import format_duration
from perfspec.diagnostics.source import Span
from perfspec.load import Users
from perfspec.spec.model import Spec, Stage
from perfspec.steps import requests
from perfspec.steps.kinds import Request

__all__ = ["MAY", "Finding", "Kind", "drift", "plain"]

MAY = ", which may ask less of the service"
"""Of what is loosened because nobody can tell."""

Kind = Literal["loosened", "tightened", "changed"]
Finding = tuple[Kind, str, Span]


def drift(before: Spec, after: Spec) -> Iterator[Finding]:
    """In the order of a spec. What is told elsewhere, such as a stage or a request that is gone, is not told here."""
    top = Span(after.path, 1, 1, 1, 1)
    yield from _guards(before, after, top)
    yield from _rules(before, after)
    for name, new in after.stages.items():
        if name in before.stages:
            yield from _stage(name, before.stages[name], new, tuple(after.flows))
    yield from _sent(before, after)
    yield from _steps(before, after)
    data = {each.name: plain(each) for each in before.data}
    for each in after.data:
        if each.name in data and plain(each) != data[each.name]:
            yield "loosened", f"data {each.name} are drawn differently{MAY}", top
    yield from _promise(before, after, top)


def _guards(before: Spec, after: Spec, span: Span) -> Iterator[Finding]:
    """A spec without globs guards everything."""
    old, new = before.run_when_changed, after.run_when_changed
    if old and not new:
        yield "tightened", "runs whatever has changed", span
    elif new and not old:
        yield "loosened", f"only runs when {', '.join(new)} changed", span
    else:
        for glob in (glob for glob in old if glob not in new):
            yield "loosened", f"no longer runs when {glob} changed", span
        for glob in (glob for glob in new if glob not in old):
            yield "tightened", f"runs when {glob} changed", span


def _rules(before: Spec, after: Spec) -> Iterator[Finding]:
    for scope in ("", *(name for name in after.stages if name in before.stages)):
        sides = [(side.stages[scope].rules if scope else side.rules) for side in (before, after)]
        old, new = ({rule.text.source: rule.span for rule in side} for side in sides)
        where = f" in stage {scope}" if scope else ""
        for text in (text for text in old if text not in new):
            yield "loosened", f"no longer a rule{where}: {text}", old[text]
        for text in (text for text in new if text not in old):
            yield "tightened", f"a rule now{where}: {text}", new[text]


def _stage(name: str, old: Stage, new: Stage, flows: tuple[str, ...]) -> Iterator[Finding]:
    was, now = _mean_users(old), _mean_users(new)
    if was and now and abs(was - now) > 0.005 * was and _frame(old) == _frame(new):
        kind: Kind = "loosened" if now < was else "tightened"
        yield kind, f"stage {name} has {now:.3g} users on average, no longer {was:.3g}", new.span
    if old.pause_cap_ns != new.pause_cap_ns:
        kind = "loosened" if (new.pause_cap_ns or 10**18) > (old.pause_cap_ns or 10**18) else "tightened"
        yield kind, f"stage {name} pauses {_cap(new)}, no longer {_cap(old)}", new.span
    if old.extend_to_ns != new.extend_to_ns:
        yield "loosened", f"stage {name} runs on {_extension(new)}, no longer {_extension(old)}{MAY}", new.span
    if old.search != new.search:
        yield "loosened", f"stage {name} searches for the limit differently{MAY}", new.span
    for flow in flows:
        if new.mix is not None and not new.mix.get(flow) and (old.mix is None or old.mix.get(flow)):
            yield "loosened", f"stage {name} leaves out flow {flow} and all limits on it", new.span


def _cap(stage: Stage) -> str:
    return f"at most {format_duration(stage.pause_cap_ns)}" if stage.pause_cap_ns else "as long as they are written"


def _extension(stage: Stage) -> str:
    return f"to {format_duration(stage.extend_to_ns)} where it is close" if stage.extend_to_ns else "for no close call"


def _frame(stage: Stage) -> tuple[object, ...]:
    """What is told elsewhere if it changes: how long phases are, how many users there are at most."""
    return (*(phase.for_ns for phase in stage.phases), max((phase.shape.most for phase in stage.phases), default=0))


def _mean_users(stage: Stage) -> float:
    """Over the phases that are as long as they say; 0 where users arrive."""
    if any(not isinstance(phase.shape, Users) or not phase.for_ns for phase in stage.phases):
        return 0.0
    shapes = [(phase.shape, phase.for_ns) for phase in stage.phases if isinstance(phase.shape, Users)]
    whole = sum(for_ns for _, for_ns in shapes)
    return sum(shape.user_ns(0, for_ns, for_ns) for shape, for_ns in shapes) / whole if whole else 0.0


def _sent(before: Spec, after: Spec) -> Iterator[Finding]:
    """Requests by name, each as all its places send it."""
    old, new = _by_name(before), _by_name(after)
    for name in (name for name in new if name in old):
        span = new[name][0].span
        was, now = ([r.timeout_ns for r in side[name]] for side in (old, new))
        if was != now:
            is_longer = max(now) > max(was) or any(n > w for w, n in zip(was, now, strict=False))
            kind: Kind = "loosened" if is_longer else "tightened"
            yield kind, f"{name} may take {_times(now)}, no longer {_times(was)}", span
        checks = ([sorted(str(check) for check in r.expect) for r in side[name]] for side in (old, new))
        if _is_checked_less(*checks):
            yield "loosened", f"{name} is no longer checked wherever it was", span
        sides = ([plain(r, *_TOLD_ELSEWHERE) for r in side[name]] for side in (old, new))
        if next(sides) != next(sides):
            yield "loosened", f"{name} is sent differently{MAY}", span


def _times(timeouts: list[int]) -> str:
    return " or ".join(format_duration(ns) for ns in sorted(set(timeouts)))


def _is_checked_less(old: list[list[str]], new: list[list[str]]) -> bool:
    """In one of several places; what is checked in none any more is told as such."""
    if len(old) == 1 or len(old) != len(new):
        return False
    known = {text for place in new for text in place}
    return any(text in known and text not in now for was, now in zip(old, new, strict=True) for text in was)


_TOLD_ELSEWHERE = ("at", "timeout_ns", "expect")


def _by_name(spec: Spec) -> dict[str, list[Request]]:
    found: dict[str, list[Request]] = {}
    for flow in spec.flows.values():
        for request in requests(flow.steps):
            found.setdefault(request.name, []).append(request)
    return found


def _steps(before: Spec, after: Spec) -> Iterator[Finding]:
    """What is around the requests: pauses, waits, conditions, repetitions."""
    for name, flow in after.flows.items():
        if name in before.flows and _around(before.flows[name].steps) != _around(flow.steps):
            yield "loosened", f"flow {name} goes another way from request to request{MAY}", flow.span
    for part in ("setup", "first", "last", "teardown"):
        if plain(getattr(before, part)) != plain(getattr(after, part)):
            yield "loosened", f"what happens in its {part} has changed{MAY}", Span(after.path, 1, 1, 1, 1)


def _around(steps: Any) -> Any:
    return plain(steps, "at", stop=Request)


def _promise(before: Spec, after: Spec, span: Span) -> Iterator[Finding]:
    old, new = _promised(before), _promised(after)
    for name in dict.fromkeys((*new, *old)):
        was, now = old.get(name), new.get(name)
        if was is not None and now is None:
            yield "loosened", f"production no longer promises {name}: {was[1]}", span
        elif was is None and now is not None:
            yield "tightened", f"production promises {name} now: {now[1]}", span
        elif was is not None and now is not None and was[0] != now[0]:
            kind: Kind = "loosened" if now[0] < was[0] else "tightened"
            yield kind, f"production's promise of {name} {kind}: {was[1]} → {now[1]}", span


def _promised(spec: Spec) -> dict[str, tuple[Fraction, str]]:
    """How strict, and in words."""
    if spec.slo is None:
        return {}
    slo, found = spec.slo, {}
    if slo.availability is not None and slo.target is not None:
        found["availability"] = (slo.target, slo.availability.text)
    for each in slo.latency:
        found[f"{each.request} p{float(100 * each.quantile):g}"] = (Fraction(-each.limit_ns), each.text)
    return found


def plain(value: Any, *without: str, stop: type | None = None) -> Any:
    """A value without its places in the file, to be compared. `without`: fields left out; `stop`: known by its name."""
    if isinstance(value, Span):
        return None
    if stop is not None and isinstance(value, stop):
        return getattr(value, "name", "")
    if isinstance(value, msgspec.Struct) or is_dataclass(value):
        names = value.__struct_fields__ if isinstance(value, msgspec.Struct) else [each.name for each in fields(value)]
        inner = [(name, plain(getattr(value, name), *without, stop=stop)) for name in names if name not in without]
        return (type(value).__name__, *inner)
    if isinstance(value, Mapping):
        return tuple((key, plain(each, *without, stop=stop)) for key, each in value.items())
    if isinstance(value, tuple | list):
        return tuple(plain(each, *without, stop=stop) for each in value)
    return value
