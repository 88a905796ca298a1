"""The order of the spec, for all that is told by request: two runs of a plan are told alike, whatever came first."""

from collections.abc import Callable

from perfspec.metrics.series import Key
from perfspec.plan.model import Plan
from perfspec.steps import requests

__all__ = ["by_spec"]


def by_spec(plan: Plan) -> Callable[[Key], tuple[object, ...]]:
    """A key to sort series by. What is in no spec comes last, by name."""
    names = {name: number for number, name in enumerate(_names(plan))}
    timers = {key: number for number, key in enumerate(plan.series_names())}

    def place(key: Key) -> tuple[object, ...]:
        timer = timers.get((key.name, key.timer), len(timers))
        return names.get(key.name, len(names)), key.name, key.part != "load", timer, key.timer, key.tags, key.flow

    return place


def _names(plan: Plan) -> list[str]:
    first = [request.name for steps in (plan.setup, plan.each_user.first) for request in requests(steps)]
    last = [request.name for steps in (plan.each_user.last, plan.teardown) for request in requests(steps)]
    return list(dict.fromkeys([*first, *(name for name, _ in plan.series_names()), *last]))
