"""Where in the spec what is counted stands: whoever reads that requests failed looks for their step next."""

from collections.abc import Callable, Iterator

from perfspec.metrics.series import Key
from perfspec.plan.model import Plan
from perfspec.steps import request_of, walk
from perfspec.steps.kinds import Group, Parallel, Step

__all__ = ["places"]


def places(plan: Plan) -> Callable[[Key], tuple[str, ...]]:
    """From a series to FILE:LINE of its steps: several may share a name. Of a round, those of its flow."""
    found: dict[tuple[str, str, str], dict[str, None]] = {}
    for part, flow, steps in _parts(plan):
        for step in walk(steps):
            request = request_of(step)
            name = request.name if request is not None else step.name if isinstance(step, (Group, Parallel)) else ""
            if name:
                found.setdefault((part, flow, name), {})[f"{step.span.path}:{step.span.line}"] = None
    flows = {flow.name: (f"{flow.span.path}:{flow.span.line}",) for flow in plan.flows}

    def of(key: Key) -> tuple[str, ...]:
        if key.timer == "round":
            return flows.get(key.flow, ())
        return tuple(found.get((key.part, key.flow, key.name), ()))

    return of


def _parts(plan: Plan) -> Iterator[tuple[str, str, tuple[Step, ...]]]:
    yield "setup", "", plan.setup
    yield "each_user", "", (*plan.each_user.first, *plan.each_user.last)
    for flow in plan.flows:
        yield "load", flow.name, flow.steps
    yield "teardown", "", plan.teardown
