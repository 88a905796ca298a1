"""What a change to a spec means for the gate: which limits were loosened, which stages shortened, which checks dropped.

Limits are compared as they count in an environment, so a changed value is seen where it is used. Loosened is whatever
lets more pass than before: a wider limit, one that only warns, a shorter stage, a check or a flow that is gone. And
what may: whose effect on a verdict cannot be told from the spec is loosened as well, so that somebody looks at it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from math import inf
from typing import NamedTuple, TypeVar

from perfspec.base.units import format_duration
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.phrases import Limit
from perfspec.load import Arrivals
from perfspec.spec.drift import MAY, Finding, Kind, drift, plain
from perfspec.spec.model import Environment, Promise, Spec, Stage
from perfspec.spec.promises import stage_promises
from perfspec.spec.thresholds import resolve
from perfspec.steps import requests

__all__ = ["Change", "difference"]

T = TypeVar("T")


class Change(NamedTuple):
    service: str
    kind: Kind
    text: str
    """A clause: `suggest p95 loosened: at most 120ms → at most 300ms`."""
    span: Span
    """Where it stands now; of what is gone, where it stood."""


def difference(before: Spec | None, after: Spec | None) -> list[Change]:
    """In the order of the spec: limits, stages, flows, environments. None: the spec is not there."""
    if before is None and after is None:
        return []
    if before is None or after is None:
        spec = after or before
        assert spec is not None
        span = Span(spec.path, 1, 1, 1, 1)
        return [Change(spec.service, "tightened" if before is None else "loosened", _whole(before), span)]
    found: list[Change] = []
    for kind, text, span in (
        *_limits(before, after),
        *_stages(before, after),
        *_flows(before, after),
        *_environments(before, after),
        *drift(before, after),
    ):
        change = Change(after.service, kind, text, span)
        if change not in found:
            found.append(change)
    return found


def _whole(before: Spec | None) -> str:
    return "a new spec" if before is None else "the spec is gone"


def _both(before: Mapping[str, T], after: Mapping[str, T]) -> Iterator[tuple[str, T | None, T | None]]:
    """Entries by name: those of `after` in their order, then what is gone."""
    for name, value in after.items():
        yield name, before.get(name), value
    for name, value in before.items():
        if name not in after:
            yield name, value, None


# limits


def _limits(before: Spec, after: Spec) -> Iterator[Finding]:
    """Those of the spec, then what stages say of their own, beside what counts there otherwise."""
    for name, was, now in _both(_named(before.promises), _named(after.promises)):
        yield from _limit(name, (before, was), (after, now))
    for scope, new in after.stages.items():
        old = before.stages.get(scope)
        if old is None:
            continue  # a stage that came or went is told as such
        own = {**_named(new.promises), **_named(old.promises)}
        counts = (_named(stage_promises(before, old)), _named(stage_promises(after, new)))
        for name in own:
            yield from _limit(f"{name} in stage {scope}", (before, counts[0].get(name)), (after, counts[1].get(name)))


def _named(promises: Iterable[Promise]) -> dict[str, Promise]:
    return {f"{p.row.text} {p.cell.text}": p for p in promises}


def _limit(label: str, before: tuple[Spec, Promise | None], after: tuple[Spec, Promise | None]) -> Iterator[Finding]:
    (old_spec, old), (new_spec, new) = before, after
    if old is None and new is not None:
        yield "tightened", f"{label} is limited now: {new.limit.source}", new.span
    elif new is None and old is not None:
        yield "loosened", f"{label} is no longer limited (it was {old.limit.source})", old.span
    elif old is not None and new is not None:
        for name, environment in new_spec.environments.items():
            was = _resolved(old, old_spec.environments.get(name))
            now = _resolved(new, environment)
            if was is None or now is None or (was.text == now.text and was.warn_only == now.warn_only):
                continue
            where = f" on {name}" if "${" in old.limit.source + new.limit.source else ""
            kind = _direction(was, now)
            yield kind, f"{label}{where} {kind}: {_said(was)} → {_said(now)}", new.span


def _resolved(promise: Promise, environment: Environment | None) -> Limit | None:
    if environment is None:
        return None
    values: dict[str, object] = {f"values.{name}": value.text for name, value in environment.values.items()}
    threshold = resolve(promise, values, Diagnostics())
    return threshold.limit if threshold else None


def _said(limit: Limit) -> str:
    return f"{limit.text}, warn only" if limit.warn_only else limit.text


def _direction(was: Limit, now: Limit) -> Kind:
    """Loosened is what lets a number pass that did not, also where it refuses others."""
    if was.warn_only != now.warn_only:
        return "loosened" if now.warn_only else "tightened"
    if was.quantity.unit != now.quantity.unit:
        return "loosened"
    (low, high), (new_low, new_high) = _allowed(was), _allowed(now)
    if new_low < low or new_high > high:
        return "loosened"
    return "tightened" if (low, high) != (new_low, new_high) else "changed"


_Edge = tuple[Fraction | float, int]


def _allowed(limit: Limit) -> tuple[_Edge, _Edge]:
    """The smallest and the largest number that pass, each with a step beyond where the limit itself does not."""
    value = limit.quantity.value
    match limit.relation:
        case "under" | "at most":
            return (-inf, 0), (value, -1 if limit.relation == "under" else 0)
        case "over" | "at least":
            return (value, 1 if limit.relation == "over" else 0), (inf, 0)
        case "between":
            assert limit.high is not None
            return (value, 0), (limit.high.value, 0)


# stages


def _stages(before: Spec, after: Spec) -> Iterator[Finding]:
    for name, old, new in _both(before.stages, after.stages):
        if old is None and new is not None:
            yield "changed", f"{name} is a new stage", new.span
        elif new is None and old is not None:
            yield "loosened", f"stage {name} is gone", old.span
        elif old is not None and new is not None:
            yield from _stage(name, old, new)


def _stage(name: str, old: Stage, new: Stage) -> Iterator[Finding]:
    yield from _length(name, "stage", old, new, lambda stage: sum(p.for_ns for p in stage.phases))
    if not (_is_judged_whole(old) and _is_judged_whole(new)):
        yield from _length(name, "judged time of stage", old, new, _judged_ns)
    for unit, most in (("at a time", _most), ("arrivals/s", _most_per_s)):
        was, now = most(old), most(new)
        if was != now:
            kind: Kind = "loosened" if now < was else "tightened"
            yield kind, f"stage {name} goes up to {now:g} {unit}, no longer to {was:g}", new.span
    for rule in old.abort:
        if rule.text not in {r.text for r in new.abort}:
            yield "loosened", f"stage {name} no longer ends when `{rule.text}`", new.span
    if old.warn_only != new.warn_only:
        kind = "loosened" if new.warn_only else "tightened"
        yield (
            kind,
            f"stage {name} only warns of {new.warn_only or 'nothing'}, no longer of {old.warn_only or 'nothing'}",
            new.span,
        )
    if old.only_proven != new.only_proven:
        kind = "tightened" if new.only_proven else "loosened"
        yield (
            kind,
            f"stage {name} {'now wants' if new.only_proven else 'no longer wants'} a pass to be proven",
            new.span,
        )
    if old.mix != new.mix:
        yield "loosened", f"stage {name} mixes its flows differently{MAY}", new.span


def _length(name: str, what: str, old: Stage, new: Stage, of: Callable[[Stage], int]) -> Iterator[Finding]:
    was, now = of(old), of(new)
    if was == now or not was:
        return
    word = "halved" if now * 2 == was else "doubled" if now == was * 2 else "shortened" if now < was else "lengthened"
    kind: Kind = "loosened" if now < was else "tightened"
    yield kind, f"{what} {name} {word}: {format_duration(was)} → {format_duration(now)}", new.span


def _judged_ns(stage: Stage) -> int:
    return sum(p.for_ns for p in stage.phases if p.measured) - (stage.warmup_ns or 0)


def _is_judged_whole(stage: Stage) -> bool:
    """All of it but the usual warm-up: then its length says it all."""
    return stage.warmup_ns is None and all(phase.measured for phase in stage.phases)


def _most(stage: Stage) -> float:
    return max((phase.shape.most for phase in stage.phases), default=0)


def _most_per_s(stage: Stage) -> float:
    rates = (phase.shape.most_per_s for phase in stage.phases if isinstance(phase.shape, Arrivals))
    return float(max(rates, default=0))


# flows


def _flows(before: Spec, after: Spec) -> Iterator[Finding]:
    for name, old, new in _both(before.flows, after.flows):
        if old is None and new is not None:
            yield "tightened", f"{name} is a new flow", new.span
        elif new is None and old is not None:
            yield "loosened", f"flow {name} is gone", old.span
        elif old is not None and new is not None and old.weight != new.weight:
            yield "loosened", f"flow {name} weighs {new.weight:g}, no longer {old.weight:g}{MAY}", new.span
    yield from _checks(before, after)


def _checks(before: Spec, after: Spec) -> Iterator[Finding]:
    old, new = _expected(before), _expected(after)
    for name, was, now in _both(old, new):
        if was is None and now is not None:
            continue  # a new request is part of a changed flow; its limits are told above
        if now is None and was is not None:
            yield "loosened", f"nothing sends {name} any more", next(iter(was.values()))
        elif was is not None and now is not None:
            for text in (text for text in was if text and text not in now):
                yield "loosened", f"{name} is no longer checked: {text}", was[text]
            for text in (text for text in now if text and text not in was):
                yield "tightened", f"{name} is checked now: {text}", now[text]


def _expected(spec: Spec) -> dict[str, dict[str, Span]]:
    """Request -> its checks by their text; an empty text stands for the request itself."""
    found: dict[str, dict[str, Span]] = {}
    for flow in spec.flows.values():
        for request in requests(flow.steps):
            checks = found.setdefault(request.name, {"": request.span})
            checks.update((str(check), check.span) for check in request.expect)
    return found


# environments


def _environments(before: Spec, after: Spec) -> Iterator[Finding]:
    for name, old, new in _both(before.environments, after.environments):
        if old is None and new is not None:
            yield "changed", f"{name} is a new environment", new.span
        elif new is None and old is not None:
            yield "changed", f"environment {name} is gone", old.span
        elif old is not None and new is not None:
            if old.url != new.url:
                yield "loosened", f"environment {name} is at {new.url}, no longer at {old.url}{MAY}", new.span
            if _reached(old) != _reached(new):
                yield "loosened", f"environment {name} is reached differently{MAY}", new.span
            if old.stages != new.stages:
                yield (
                    "changed",
                    f"environment {name} allows {_listed(new.stages)}, no longer {_listed(old.stages)}",
                    new.span,
                )
            if bool(old.confirm) != bool(new.confirm):
                yield (
                    "changed",
                    f"environment {name} {'now asks' if new.confirm else 'no longer asks'} before a run",
                    new.span,
                )


def _reached(environment: Environment) -> object:
    """How requests get there, and how many."""
    return plain((environment.access, environment.most_users, environment.most_requests_per_s))


def _listed(stages: Iterable[str] | None) -> str:
    return "every stage" if stages is None else ", ".join(stages) or "no stage"
