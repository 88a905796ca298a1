"""`defaults: {pause: ...}`: a pause between the steps of a flow, wherever none is written.

Between two steps of one list that do something, and after each pass of a loop. A pause that is written there counts
instead. What happens at once (`parallel`) stays at once; `set` and `stop` take no time, so they are no neighbours.
"""

from msgspec.structs import replace

from perfspec.diagnostics.source import Span
from perfspec.language.phrases import PauseRange
from perfspec.steps.kinds import Choose, ForEach, Option, Parallel, Pause, Repeat, Set, Step, Stop, When

__all__ = ["paced"]


def paced(steps: tuple[Step, ...], said: PauseRange, span: Span) -> tuple[Step, ...]:
    """The steps with their pauses. `span`: where the pause is said."""
    found: list[Step] = []
    is_due = False
    for step in steps:
        if isinstance(step, (Pause, Set, Stop)):
            is_due = is_due and not isinstance(step, Pause)
            found.append(step)
            continue
        if is_due:
            found.append(Pause(f"{step.at}.before", span, said))
        inner = _inside(step, said, span)
        found.append(inner)
        is_due = not _ends_in_pause(inner)
    return tuple(found)


def _inside(step: Step, said: PauseRange, span: Span) -> Step:
    match step:
        case ForEach() | Repeat():
            held = paced(step.steps, said, span)
            if held and not isinstance(held[-1], Pause):
                held = (*held, Pause(f"{step.at}.pass", span, said))
            return replace(step, steps=held)
        case Parallel() | Choose():
            return replace(step, steps=tuple(_inside(each, said, span) for each in step.steps))
        case When():
            return replace(step, steps=paced(step.steps, said, span), otherwise=paced(step.otherwise, said, span))
        case _ if held := getattr(step, "steps", ()):
            return replace(step, steps=paced(held, said, span))
    return step


def _ends_in_pause(step: Step) -> bool:
    held = getattr(step, "steps", ())
    if isinstance(step, (Parallel, Choose, Option, When)) or not held:
        return False
    return isinstance(held[-1], Pause) or _ends_in_pause(held[-1])
