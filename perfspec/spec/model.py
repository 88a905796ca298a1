"""What was said, typed: a spec after includes and defaults, every part with its place. Says nothing of one run."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import msgspec

from perfspec.base.units import BYTE_NS, NUMBER_NS
from perfspec.data.kinds import Data
from perfspec.diagnostics.source import Span
from perfspec.language.phrases import AbortRule, Limit
from perfspec.language.templates import Text
from perfspec.language.timers import unit_of
from perfspec.load import Search, Shape
from perfspec.spec.slo import Notice, Slo
from perfspec.steps.kinds import Check, Step

__all__ = [
    "UNIT_NS",
    "Access",
    "Cell",
    "Environment",
    "Flow",
    "Fragment",
    "Phase",
    "Promise",
    "Promised",
    "Ready",
    "Row",
    "Rule",
    "RulePromise",
    "Secret",
    "Spec",
    "Stage",
    "Start",
    "Threshold",
    "Tls",
    "Value",
]


UNIT_NS = {"time": 1, "size": BYTE_NS, "number": NUMBER_NS}
"""As how many ns one of a unit is recorded."""


class Row(msgspec.Struct, frozen=True):
    """Whose numbers are judged: `all`, a request's name, `flow NAME`, `group NAME`; optionally `where TAG is VALUE`."""

    kind: Literal["all", "request", "flow", "group"]
    name: str
    where: tuple[tuple[str, str], ...] = ()
    text: str = ""
    """As written."""


class Cell(msgspec.Struct, frozen=True):
    """Which number of a row: `p95`, `wait p95`, `errors`."""

    statistic: Literal[
        "percentile",
        "mean",
        "max",
        "errors",
        "availability",
        "goodput",
        "burn rate",
        "status",
        "count",
        "throughput",
    ]
    quantile: Fraction | None
    timer: str
    """Empty for the request itself; wait, first_event, size ..., or the name of a recorded number."""
    text: str
    status: int = 0
    """Of `status 429`: which one."""

    @property
    def is_measured(self) -> bool:
        """About values that were measured one by one, not about how many requests were what."""
        return self.statistic in ("percentile", "mean", "max")

    @property
    def is_latency(self) -> bool:
        return self.is_measured and self.unit == "time"

    @property
    def unit(self) -> Literal["time", "size", "number"]:
        """Of the values."""
        return unit_of(self.timer)

    @property
    def unit_ns(self) -> int:
        """As how many ns one of its unit is recorded."""
        return UNIT_NS[self.unit]


class Threshold(msgspec.Struct, frozen=True):
    """A limit on a number, ready to be judged."""

    row: Row
    cell: Cell
    limit: Limit
    span: Span
    """The cell in the spec."""
    budget: Fraction | None = None
    """Of a burn rate: the share that the promised availability allows to be bad."""

    def __str__(self) -> str:
        return f"{self.row.text} {self.cell.text} {self.limit.text}"


@dataclass(frozen=True, slots=True)
class Promise:
    """A threshold as said: its limit may still hold `${values.x}`."""

    row: Row
    cell: Cell
    limit: Text
    span: Span
    """The cell's name."""
    row_span: Span


class Rule(msgspec.Struct, frozen=True):
    """A comparison of measured numbers that has to hold, ready to be judged; its text can be read as a rule."""

    text: str
    span: Span
    warn_only: bool = False
    skipped: str = ""
    """Why the stage cannot reach one of its rows, decided before the run; empty if it can."""

    def __str__(self) -> str:
        return self.text


class Promised(msgspec.Struct, frozen=True):
    """What production promises over a period, as far as a run can say something about it."""

    availability: Fraction
    period_ns: int
    when_spent: tuple[tuple[Fraction, str], ...] = ()
    """(share of the error budget, what the team does), by share."""


@dataclass(frozen=True, slots=True)
class RulePromise:
    """A rule as said: it may still hold `${values.x}`."""

    text: Text
    span: Span


@dataclass(frozen=True, slots=True)
class Value:
    text: str
    value: None | bool | int | float | str
    span: Span


@dataclass(frozen=True, slots=True)
class Start:
    """How a local service is brought up where nothing answers yet."""

    command: str
    ready: str
    within_ns: int
    span: Span


class Tls(msgspec.Struct, frozen=True):
    """Files in PEM format; empty: the system's authorities, no certificate of our own."""

    ca: str = ""
    cert: str = ""
    key: str = ""


class Access(msgspec.Struct, frozen=True):
    """How an environment is spoken to."""

    tls: Tls | None = None
    http: Literal[1, 2] = 1
    proxy: Text | None = None
    headers: tuple[tuple[str, Text], ...] = ()
    """Sent with every request that does not say them itself."""


class Ready(msgspec.Struct, frozen=True):
    """The question whose answer proves that the service can take load."""

    path: str
    until: tuple[Check, ...]
    """Empty: any success."""
    within_ns: int


@dataclass(frozen=True, slots=True)
class Environment:
    name: str
    span: Span
    url: str
    url_span: Span
    values: dict[str, Value]
    stages: tuple[str, ...] | None
    """What may run there; None: everything."""
    stage_spans: tuple[Span, ...]
    ready: Ready | None
    start: Start | None
    confirm: str | None
    most_users: int | None
    """A ceiling that no stage may pass here."""
    access: Access
    most_requests_per_s: Fraction | None
    """What is more than this waits."""


@dataclass(frozen=True, slots=True)
class Secret:
    name: str
    span: Span
    from_env: str
    when_local: str | None


@dataclass(frozen=True, slots=True)
class Flow:
    name: str
    span: Span
    weight: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Fragment:
    name: str
    span: Span
    needs: dict[str, Span]
    gives: dict[str, Span]
    steps: tuple[Step, ...]


class Phase(msgspec.Struct, frozen=True):
    name: str
    span: Span
    for_ns: int
    """0: as long as its rounds take."""
    shape: Shape
    measured: bool
    rounds: int = 0
    """How many rounds all users make together; 0: as many as there is time for."""
    round_every_ns: int = 0
    """The time from the beginning of a user's round to that of its next; 0: at once."""
    is_capped: bool = False
    """`at_most` was written out."""


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    span: Span
    phases: tuple[Phase, ...]
    promises: tuple[Promise, ...]
    abort: tuple[AbortRule, ...]
    mix: dict[str, float] | None
    mix_spans: dict[str, Span]
    warmup_ns: int | None
    extend_to_ns: int
    pause_cap_ns: int
    warn_only: Literal["", "latency", "all"]
    only_proven: bool
    """`fails_when: not clearly under`: a pass has to be proven."""
    rules: tuple[RulePromise, ...] = ()
    search: Search | None = None
    """`find_limit`, in place of phases."""
    is_whole: bool = True
    """False where a phase could not be read, which has been reported."""


@dataclass(frozen=True, slots=True)
class Spec:
    path: str
    service: str
    about: str
    owner: str
    seed: int
    environments: dict[str, Environment]
    secrets: dict[str, Secret]
    data: tuple[Data, ...]
    unread: dict[str, Span]
    """Generators whose definition has an error: their names are known, nothing else is."""
    lost: frozenset[str]
    """What steps that cannot be read would have named. Nobody is told that it is not there."""
    setup: tuple[Step, ...]
    teardown: tuple[Step, ...]
    flows: dict[str, Flow]
    fragments: dict[str, Fragment]
    stages: dict[str, Stage]
    promises: tuple[Promise, ...]
    slo: Slo | None
    run_when_changed: tuple[str, ...] = ()
    """Globs of the code this spec guards, relative to the repository."""
    first: tuple[Step, ...] = ()
    """What every virtual user does before its first round."""
    last: tuple[Step, ...] = ()
    """And after its last one."""
    defaults: frozenset[Span] = frozenset()
    """Where the defaults of requests read names. They are the spec's, wherever a request stands."""
    rules: tuple[RulePromise, ...] = ()
    promised: Promised | None = None
    notify: Notice | None = None
    tags: tuple[tuple[str, str], ...] = ()
    """What a team files its specs under."""

    def parts(self) -> Iterator[tuple[Step, ...]]:
        """Everything that can be done, in the order in which it is; fragments stand where they are used."""
        yield self.setup
        yield self.first
        for flow in self.flows.values():
            yield flow.steps
        yield self.last
        yield self.teardown
