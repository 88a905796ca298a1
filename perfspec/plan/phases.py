"""The phases of a stage on the clock: when each begins and ends, within what its environment allows."""

from fractions import Fraction
from math import floor

import msgspec

from perfspec.base.clock import SECOND
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.load import Arrivals, Search, Shape
from perfspec.load.search import CONFIRM
from perfspec.plan.model import PlannedPhase
from perfspec.spec.model import Environment, Phase, Stage

__all__ = ["check_ceiling", "longest", "planned_load", "scaled", "usual"]

LONGEST_ROUNDS_NS = 24 * 3600 * SECOND
"""A phase of rounds is over by then."""
SETTLED_NS = 2 * SECOND
"""Between two steps of a search: what was measured comes in, and is judged."""


def scaled(ns: int, scale: Fraction) -> int:
    """A time of the schedule; whole seconds, as slices are, unless it was shorter to begin with."""
    if scale == 1 or not ns:
        return ns
    return max(round(ns * scale / SECOND), 1) * SECOND


def planned_load(
    stage: Stage, environment: Environment, scale: Fraction
) -> tuple[tuple[PlannedPhase, ...], Search | None]:
    """The phases of a stage; of a search, the one phase that it is."""
    if stage.search is None:
        return _phases(stage, environment, scale), None
    search, phase = _search_as_phase(stage.search, environment, scale)
    return (phase,), search


def _phases(stage: Stage, environment: Environment, scale: Fraction) -> tuple[PlannedPhase, ...]:
    found = []
    at = 0
    for phase in stage.phases:
        for_ns = LONGEST_ROUNDS_NS if phase.rounds else scaled(phase.for_ns, scale)
        shape = _within(phase.shape, environment)
        found.append(
            PlannedPhase(
                phase.name, phase.span, at, for_ns, shape, phase.measured, phase.rounds, phase.round_every_ns,
                is_capped=shape != phase.shape,
            )
        )  # fmt: skip
        at += for_ns
    return tuple(found)


def _search_as_phase(search: Search, environment: Environment, scale: Fraction) -> tuple[Search, PlannedPhase]:
    """The search, and the one phase that it is: as long as it may take at worst."""
    shape = _within(search.shape(search.high), environment)
    at_most = shape.at_most if isinstance(shape, Arrivals) else search.at_most
    capped = at_most < search.at_most
    search = msgspec.structs.replace(search, hold_ns=scaled(search.hold_ns, scale), at_most=at_most, is_capped=capped)
    phase = PlannedPhase("search", search.span, 0, longest(search), shape, measured=True, is_capped=capped)
    return search, phase


def usual(search: Search) -> int:
    """The time that a search takes where its limit is the upper end."""
    return _lasting(search, *search.usual_steps, SETTLED_NS)


def longest(search: Search) -> int:
    """The time that a search takes at worst."""
    return _lasting(search, *search.most_steps, SETTLED_NS + search.rest_ns)


def _lasting(search: Search, steps: int, confirmations: int, between_ns: int) -> int:
    return (steps + CONFIRM * confirmations) * search.hold_ns + (steps + confirmations) * between_ns


def _within(shape: Shape, environment: Environment) -> Shape:
    """Arrivals have no more users at a time than the environment allows; they are new users, whoever is dropped."""
    most = environment.most_users
    if isinstance(shape, Arrivals) and most is not None and shape.at_most > most:
        return msgspec.structs.replace(shape, at_most=most)
    return shape


def check_ceiling(stage: Stage, environment: Environment, out: Diagnostics) -> None:
    """Report phases that go beyond what the environment allows."""
    for phase in stage.phases:
        _users(phase, environment, out)
        most = environment.most_requests_per_s
        if most is not None and isinstance(phase.shape, Arrivals) and phase.shape.most_per_s > most:
            message = f"phase `{phase.name}` goes up to {float(phase.shape.most_per_s):g} arrivals a second"
            out.add("PS511", message, phase.span, f"`{environment.name}` allows {floor(most)} requests/s")
    if stage.search is not None:
        _search(stage.search, environment, out)


def _search(search: Search, environment: Environment, out: Diagnostics) -> None:
    rate, by_users = environment.most_requests_per_s, search.by == "users"
    most = environment.most_users if by_users else rate
    if most is not None and search.high > most:
        message = f"the search goes up to {search.say(search.high)}"
        allowed = f"{floor(most)} users" if by_users else f"{floor(most)} requests/s"
        out.add("PS511", message, search.span, f"`{environment.name}` allows {allowed}")


def _users(phase: Phase, environment: Environment, out: Diagnostics) -> None:
    most, shape = environment.most_users, phase.shape
    if most is None or shape.most <= most or (isinstance(shape, Arrivals) and not phase.is_capped):
        return
    message = f"phase `{phase.name}` goes up to {shape.most} users"
    out.add("PS511", message, phase.span, f"`{environment.name}` allows {most}")
