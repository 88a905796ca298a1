"""Do the phases of a stage fit together, and is there something to judge?"""

from perfspec.base.clock import SECOND
from perfspec.base.units import format_duration
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.load import Arrivals, Users
from perfspec.spec.model import Phase, Stage

__all__ = ["check_load"]

SHORTEST_HOLD_NS = SECOND
"""Shorter loads in a search are a slip of the unit."""


def check_load(stage: Stage, out: Diagnostics) -> None:
    """Report what is wrong with the load of a stage."""
    for before, after in zip(stage.phases, stage.phases[1:] if stage.is_whole else (), strict=False):
        _join(before, after, out)
    for phase in stage.phases:
        _rounds(stage, phase, out)
    _judged_time(stage, out)
    _search(stage, out)


def _search(stage: Stage, out: Diagnostics) -> None:
    """Could it find anything?"""
    search = stage.search
    if search is None:
        return
    if search.hold_ns < SHORTEST_HOLD_NS:
        message = f"`hold_each: {format_duration(search.hold_ns)}` is too short to judge a load by"
        out.add("PS245", message, search.span, "write 60s; at the very least 1s")
    if search.precision >= 1:
        message = f"`precision: {float(search.precision * 100):g}%` would end the search with its first bracket"
        out.add("PS245", message, search.span, "write a share below 100%, such as `precision: 5%`")


def _join(before: Phase, after: Phase, out: Diagnostics) -> None:
    """A jump is seldom meant: a crowd that comes at once is a load of its own."""
    ends, starts = before.shape, after.shape
    if isinstance(ends, Users) and isinstance(starts, Users):
        if ends.end == starts.start:
            return
        jump, ramp = f"{starts.start} users where `{before.name}` ended at {ends.end}", f"{ends.end} to {starts.start}"
        fix = f"`users: ramp {ramp}`"
    elif isinstance(ends, Arrivals) and isinstance(starts, Arrivals):
        if ends.end == starts.start:
            return
        new, old = f"{float(starts.start):g}/s", f"{float(ends.end):g}/s"
        jump, fix = f"{new} arrivals where `{before.name}` ended at {old}", f"`arrivals: ramp {old} to {new}`"
    else:
        return
    message = f"phase `{after.name}` starts at {jump}"
    out.add("PS502", message, after.span, f"a ramp between them avoids the jump: {fix}", severity=Severity.WARNING)


def _rounds(stage: Stage, phase: Phase, out: Diagnostics) -> None:
    if not phase.rounds:
        return
    if phase is not stage.phases[-1]:
        message = (
            f"phase `{phase.name}` ends when its rounds are made, so nobody knows when `{_next(stage, phase)}` begins"
        )
        out.add("PS515", message, phase.span, "make it the last phase, or write `for` in place of `rounds`")
    if isinstance(phase.shape, Users) and phase.shape.start != phase.shape.end:
        message = f"a ramp needs a time, and phase `{phase.name}` has `rounds` in its place"
        out.add("PS515", message, phase.span, f"write `users: {phase.shape.most}`")
    elif phase.rounds < phase.shape.most:
        message = f"{phase.rounds} rounds are too few for {phase.shape.most} users: some would do nothing"
        out.add("PS515", message, phase.span, f"write `users: {phase.rounds}`, or more rounds")


def _next(stage: Stage, phase: Phase) -> str:
    return stage.phases[stage.phases.index(phase) + 1].name


def _judged_time(stage: Stage, out: Diagnostics) -> None:
    """Is there something to judge, and something to run on into?"""
    if stage.search is not None and stage.warmup_ns is not None:
        text = f"`warmup: {format_duration(stage.warmup_ns)}` does nothing for a search"
        out.add("PS515", text, stage.span, "leave it out: a quarter of the time of each load is not judged")
    first = next((phase for phase in stage.phases if phase.measured), None)
    is_timed = first is not None and not first.rounds
    if first is not None and is_timed and stage.warmup_ns is not None and stage.warmup_ns >= first.for_ns:
        message = f"the warm-up of {format_duration(stage.warmup_ns)} leaves nothing of phase `{first.name}` to judge"
        out.add("PS512", message, first.span, f"make the phase longer than {format_duration(stage.warmup_ns)}")
    _extension(stage, out)
    if stage.phases and first is None and stage.is_whole:
        message = f"no phase of stage `{stage.name}` is measured, so nothing would be judged"
        out.add("PS512", message, stage.span, "remove `measure: false` from one of them")


def _extension(stage: Stage, out: Diagnostics) -> None:
    if not stage.extend_to_ns:
        return
    text = f"`extend_to: {format_duration(stage.extend_to_ns)}`"
    if stage.search is not None or any(phase.rounds for phase in stage.phases):
        why = "a search" if stage.search is not None else "a number of rounds"
        out.add("PS515", f"{text} does nothing for {why}", stage.span, "leave it out")
        return
    length = sum(phase.for_ns for phase in stage.phases)
    if stage.phases and stage.extend_to_ns <= length:
        message = f"{text} is over before the phases are"
        out.add("PS512", message, stage.span, f"write more than {format_duration(length)}, or leave it out")
