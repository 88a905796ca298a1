"""The load of one plan in this process: its one part, and its pilot. The same on the reactor and in simulation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from perfspec.engine.driver import Driver
from perfspec.engine.part import Inputs, Part
from perfspec.engine.pilot import Listener, Pilot
from perfspec.engine.pool import Ending
from perfspec.engine.rounds import Generators
from perfspec.load import WHOLE, Segment, Shape
from perfspec.metrics.vitals import Vitals
from perfspec.plan.model import Plan
from perfspec.steps.runtime import Origin
from perfspec.verdict.abort import Abort

__all__ = ["Inputs", "Listener", "Load"]


@dataclass(slots=True)
class Load:
    plan: Plan
    driver: Driver
    origin: Origin
    inputs: Inputs
    on_second: Listener
    on_done: Callable[[Ending], None]
    shared: Mapping[str, object] = field(default_factory=dict)
    drawn: Generators | None = None
    """The plan's data, if it is at hand: making it can take longer than a second."""
    vitals: Callable[[], Vitals | None] = lambda: None
    """Asked once a second."""
    segment: Segment = WHOLE
    _part: Part | None = None
    _pilot: Pilot | None = None

    @property
    def abort(self) -> Abort | None:
        """Why it was ended before its time."""
        return None if self._pilot is None else self._pilot.abort

    def start(self, start_ns: int) -> None:
        """Begin at this instant of the driver's clock."""
        self._pilot = pilot = Pilot(self.plan, self, self.on_second)
        self._part = Part(
            self.plan, self.driver, self.origin, self.inputs, self.segment, pilot.hear, pilot.is_close, self.on_done,
            self.shared, self.drawn, self._look,
        )  # fmt: skip
        self._part.start(start_ns)

    def stop(self, reason: str) -> None:
        """Once: nothing new is sent; twice: now."""
        if self._part is not None:
            self._part.stop(reason)

    def change(self, shape: Shape, at_ns: int) -> None:
        """Another load from here on: the next step of a search."""
        if self._part is not None:
            self._part.change(shape, at_ns)

    def _look(self) -> Vitals | None:
        """`vitals` is set once the loop is watched, which is after the start."""
        return self.vitals()
