"""Dashboards as Grafana reads them: the few of its words that are used here, and how panels are laid out.

Every page has a variable for the data source, so that it fits any Grafana. A page's `uid` is its address, so it stays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

import msgspec

from perfspec.base.codec import pretty

__all__ = [
    "RATE",
    "SOURCE",
    "Dashboard",
    "Layout",
    "Mapping",
    "Query",
    "Step",
    "Variable",
    "dashboard",
    "shown",
    "to_json",
]

COLUMNS, MOST_UID = 24, 40
SCHEMA = 39
RATE = "$__rate_interval"


class _Word(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Something that Grafana reads; what is not said has Grafana's default."""


class DataSource(_Word, frozen=True):
    type: str
    uid: str


SOURCE = DataSource("prometheus", "${datasource}")


class Grid(_Word, frozen=True, omit_defaults=False):
    h: int
    w: int
    x: int
    y: int


class Target(_Word, frozen=True, omit_defaults=False):
    ref_id: str
    expr: str
    legend_format: str
    datasource: DataSource = SOURCE


class Step(_Word, frozen=True, omit_defaults=False):
    """A colour from a value on; the first begins at None."""

    color: str
    value: float | None


class Thresholds(_Word, frozen=True, omit_defaults=False):
    mode: str
    steps: tuple[Step, ...]


class Mapping(_Word, frozen=True, omit_defaults=False):
    """What is shown in place of numbers."""

    options: dict[str, dict[str, str]]
    type: str = "value"


class LineStyle(_Word, frozen=True):
    mode: str


class Custom(_Word, frozen=True):
    thresholds_style: LineStyle


class Defaults(_Word, frozen=True):
    unit: str = ""
    min: float | None = None
    max: float | None = None
    thresholds: Thresholds | None = None
    mappings: tuple[Mapping, ...] = ()
    custom: Custom | None = None


class FieldConfig(_Word, frozen=True, omit_defaults=False):
    defaults: Defaults
    overrides: tuple[str, ...] = ()


Kind = Literal["stat", "timeseries", "bargauge", "row"]


class Panel(_Word, frozen=True):
    id: int
    type: Kind
    title: str
    grid_pos: Grid
    description: str = ""
    datasource: DataSource | None = None
    targets: tuple[Target, ...] = ()
    field_config: FieldConfig | None = None


class Variable(_Word, frozen=True):
    """What is chosen at the top of the page."""

    name: str
    type: str
    query: str
    label: str = ""
    datasource: DataSource | None = None
    include_all: bool = False
    all_value: str = ""
    multi: bool = False
    refresh: int = 0


class Templating(_Word, frozen=True, omit_defaults=False):
    list: tuple[Variable, ...]


class Period(_Word, frozen=True, rename={"begin": "from"}):
    begin: str
    to: str


class Dashboard(_Word, frozen=True):
    uid: str
    title: str
    tags: tuple[str, ...]
    schema_version: int
    time: Period
    refresh: str
    templating: Templating
    panels: tuple[Panel, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """One line of a panel."""

    expr: str
    legend: str


@dataclass(slots=True)
class Layout:
    """Puts panels side by side, and below where there is no room left."""

    panels: list[Panel] = field(default_factory=list)
    _x: int = 0
    _y: int = 0
    _tallest: int = 0

    def row(self, title: str) -> None:
        self._below()
        self.panels.append(Panel(len(self.panels) + 1, "row", title, Grid(1, COLUMNS, 0, self._y)))
        self._y += 1

    def add(
        self, kind: Kind, title: str, queries: Iterable[Query], shown: Defaults, *, width: int = 8, about: str = ""
    ) -> None:
        height = 8
        if self._x + width > COLUMNS:
            self._below()
        targets = tuple(Target(_reference(at), query.expr, query.legend) for at, query in enumerate(queries))
        place = Grid(height, width, self._x, self._y)
        config = FieldConfig(shown)
        self.panels.append(Panel(len(self.panels) + 1, kind, title, place, about, SOURCE, targets, config))
        self._x += width
        self._tallest = max(self._tallest, height)

    def _below(self) -> None:
        self._y += self._tallest
        self._x = self._tallest = 0


def _reference(number: int) -> str:
    """A to Z, then A1 to Z1."""
    more, letter = divmod(number, 26)
    return chr(ord("A") + letter) + (str(more) if more else "")


def shown(
    unit: str,
    *,
    steps: Sequence[Step] = (),
    line: bool = False,
    mappings: Sequence[Mapping] = (),
    most: float | None = None,
) -> Defaults:
    """How values are shown; `line` draws the steps across the chart."""
    return Defaults(
        unit,
        0 if most is not None or line else None,
        most,
        Thresholds("absolute", tuple(steps)) if steps else None,
        tuple(mappings),
        Custom(LineStyle("line")) if line else None,
    )


def dashboard(
    uid: str, title: str, layout: Layout, *, about: str = "", variables: Sequence[Variable] = ()
) -> Dashboard:
    source = Variable("datasource", "datasource", "prometheus", "Data source")
    return Dashboard(
        _uid(uid), title, ("perfspec",), SCHEMA, Period("now-6h", "now"), "30s",
        Templating((source, *variables)), tuple(layout.panels), about,
    )  # fmt: skip


def _uid(text: str) -> str:
    """At most 40 characters; what is longer ends in a digest of all of it."""
    return text if len(text) <= MOST_UID else f"{text[: MOST_UID - 9]}-{sha256(text.encode()).hexdigest()[:8]}"


def to_json(page: Dashboard) -> bytes:
    return pretty(page)
