"""Steps read from YAML, and flows played against a simulated service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from perfspec import data as data_kinds
from perfspec.base import random
from perfspec.engine.binding import Binder
from perfspec.engine.lanes import Lane
from perfspec.engine.sim import T0, Reply, Service, SimDriver
from perfspec.metrics.rows import Row
from perfspec.metrics.series import Registry
from perfspec.spec.model import Spec
from perfspec.steps.kinds import Step
from perfspec.steps.runtime import STOPPED, Call, Origin
from perfspec.steps.sequence import in_turn

MS = 1_000_000
HEAD = """service: shop
environments: {local: {url: "http://shop.test/base", values: {region: eu}}}
secrets: {key: SHOP_KEY}
"""


def _indented(text: str) -> str:
    return "".join(f"      {line}\n" for line in text.strip("\n").splitlines())


@pytest.fixture(scope="session")
def spec_text() -> Callable[..., str]:
    """A spec whose only flow has these steps; line 1 of the steps is line 10 of the spec where `more` has two lines."""

    def run(steps: str, more: str = "data: {}\ndefaults: {}") -> str:
        return f"{HEAD}{more}\nflows:\n  buy:\n    weight: 1\n    steps:\n{_indented(steps)}"

    return run


@pytest.fixture(scope="session")
def steps_of(spec_of, spec_text) -> Callable[..., tuple[Step, ...]]:
    """The steps of a flow in which nothing is wrong."""

    def run(steps: str, more: str = "data: {}\ndefaults: {}") -> tuple[Step, ...]:
        return spec_of(spec_text(steps, more)).flows["buy"].steps

    return run


@dataclass
class Played:
    """What happened: the messages with the millisecond they were sent, how the round ended, and what was recorded."""

    sent: list[tuple[float, str]] = field(default_factory=list)
    ended: list[str | None] = field(default_factory=list)
    ended_ms: float = -1
    names: dict[str, object] = field(default_factory=dict)
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    tags: dict[str, set[tuple[tuple[str, str], ...]]] = field(default_factory=dict)
    first_errors: dict[str, str] = field(default_factory=dict)

    @property
    def targets(self) -> list[str]:
        return [wire.split(" ")[1].removeprefix("/base") for _, wire in self.sent]

    @property
    def times(self) -> list[float]:
        return [ms for ms, _ in self.sent]


Answer = Callable[[str, float], Reply]


@pytest.fixture(scope="session")
def play(spec_of, spec_text) -> Callable[..., Played]:
    """Play the flow once; every answer takes 100 ms. `answer` gets the target and the ms at which it was asked.

    `cut_ms`: when the load ends, so that a pause is cut short.
    """

    def run(
        steps: str,
        answer: Answer = lambda _target, _ms: Reply(),
        more: str = "data: {}\ndefaults: {}",
        *,
        refused: tuple[tuple[int, int], ...] = (),
        limits: Mapping[tuple[str, str], tuple[int, ...]] = {},
        names: Mapping[str, object] = {},
        seed: int = 1,
        cut_ms: int | None = None,
        latency: Callable[[float], int] = lambda _: 100 * MS,
    ) -> Played:
        spec: Spec = spec_of(spec_text(steps, more))
        played = Played()

        def reply(_call: Call, wire: bytes, now_ns: int) -> Reply:
            played.sent.append((now_ns / MS, wire.decode()))
            return answer(played.targets[-1], now_ns / MS)

        driver = SimDriver(Service(latency, reply, refused), seed)
        registry = Registry(T0, limits)
        constants = {"run.id": "r1", "run.stage": "smoke", "values.region": "eu", "secret.key": "hunter2hunter2"}
        binder = Binder("http://shop.test/base", Origin("shop.test", 80, "192.0.2.1"), constants, registry, "load")
        lane = Lane(driver, 0)
        lane.vars.update({"user.number": 7, "round.number": 1, **names})
        lane.vars.base, lane.vars.step = random.base(random.person(seed, 7), 1), 0
        lane.vars.draws = {}
        lane.vars.generators = {
            data.name: data_kinds.bind(data, data_kinds.Supply(seed, 1, (), constants)) for data in spec.data
        }

        def on_end(_lane: Lane, kind: str | None) -> None:
            played.ended.append(kind)
            played.ended_ms = (driver.now - T0) / MS

        lane.run(in_turn(spec.flows["buy"].steps, binder)(lane), on_end)
        if cut_ms is not None:
            driver.call_at(T0 + cut_ms * MS, lambda _: lane.wake(STOPPED), None)
        driver.run()
        played.names = dict(lane.vars)
        played.first_errors = driver.first_errors
        for piece in registry.drain():
            played.rows.setdefault((piece.key.name, piece.key.timer), Row()).add(piece)
            played.tags.setdefault(piece.key.name, set()).add(piece.key.tags)
        return played

    return run
