"""Charts as inline SVG: lines over time with phases shaded and limits drawn, and the curve of percentiles.

Colours and widths are the style sheet's; here are only shapes. Each chart has a sentence for who cannot see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from perfspec.base.units import format_ms
from perfspec.report.html.markup import Markup, element, together

__all__ = ["Band", "Chart", "Limit", "Polyline", "over_time", "percentile_curve"]

WIDTH, HEIGHT = 420, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 14, 24
Point = tuple[float, float]
LOG_FROM = 30
"""A chart whose largest value is this many times its typical one is drawn in powers of ten."""


@dataclass(frozen=True, slots=True)
class Polyline:
    """A line with its name in the legend. `points` rise in x; a gap of more than `gap` breaks the line."""

    name: str
    kind: str
    """The style sheet's class."""
    points: Sequence[Point]
    gap: float = 1.5


@dataclass(frozen=True, slots=True)
class Band:
    """A phase: from, to, and whether it was judged."""

    name: str
    start: float
    end: float
    judged: bool


@dataclass(frozen=True, slots=True)
class Limit:
    text: str
    value: float
    broken: bool


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    lines: Sequence[Polyline]
    unit: str
    """`ms`, or empty for plain numbers."""
    alt: str


@dataclass(frozen=True, slots=True)
class _Axis:
    """From values to pixels. `low` of a logarithmic axis is above zero."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def at(self, value: float) -> float:
        if self.is_log:
            share = log10(max(value, self.low) / self.low) / log10(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self) -> list[float]:
        if self.is_log:
            powers = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
            return [10.0**p for p in powers if self.low <= 10.0**p <= self.high * 1.001]
        step = _step((self.high - self.low) / 4)
        return [step * k for k in range(ceil(self.low / step), floor(self.high / step * 1.0001) + 1)]


def _step(rough: float) -> float:
    """The next of 1, 2, 5, 10, 20 ..."""
    if rough <= 0:
        return 1.0
    power = 10.0 ** floor(log10(rough))
    return next(power * k for k in (1, 2, 5, 10) if power * k >= rough * 0.999)


def over_time(chart: Chart, seconds: float, bands: Sequence[Band], limits: Sequence[Limit] = ()) -> Markup:
    """Lines over the time of the load."""
    y = _y_axis([value for line in chart.lines for _, value in line.points] + [limit.value for limit in limits])
    x = _Axis(0, max(seconds, 1), LEFT, WIDTH - RIGHT)
    shapes = [
        *(_band(band, x) for band in bands),
        *_seen(chart, y, [limit.value for limit in limits]),
        *(_x_tick(x.at(tick), _clock(tick)) for tick in _time_ticks(seconds)),
        *(_limit(limit, y) for limit in limits),
        *(_line(line, x, y) for line in chart.lines),
    ]
    return _figure(chart, shapes)


def percentile_curve(chart: Chart, n: int, limits: Sequence[tuple[float, Limit]]) -> Markup:
    """Percentiles from the median on, spread as operators read them: 90, 99 and 99.9 % are equally far apart.

    Points are (share, value). `limits` are (share, limit): a limit is a point of this chart, not a line.
    """
    y = _y_axis([value for line in chart.lines for _, value in line.points] + [limit.value for _, limit in limits])
    most = min(1 - 1 / max(n, 10), 0.9999)
    x = _Axis(0, _nines(most), LEFT, WIDTH - RIGHT)
    ticks = [(q, text) for q, text in _CURVE_TICKS if _nines(q) <= _nines(most) + 1e-9]
    curved = [Polyline(line.name, line.kind, [(_nines(q), v) for q, v in line.points], 99.0) for line in chart.lines]
    shapes = [
        *_seen(chart, y, [limit.value for _, limit in limits]),
        *(_x_tick(x.at(_nines(q)), text) for q, text in ticks),
        *(_line(line, x, y) for line in curved),
        *(_mark(limit, x.at(_nines(q)), y) for q, limit in limits),
    ]
    return _figure(chart, shapes)


_CURVE_TICKS = ((0.0, "0 %"), (0.5, "p50"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9"))


def _nines(share: float) -> float:
    return -log10(1 - min(share, 0.99999))


def _y_axis(values: Sequence[float]) -> _Axis:
    found = sorted(value for value in values if value > 0)
    if not found:
        return _Axis(0, 1, HEIGHT - BOTTOM, TOP)
    high, typical = found[-1], found[len(found) // 2]
    if high > typical * LOG_FROM:
        low = max(10.0 ** floor(log10(found[0])), high / 1e6)
        return _Axis(low, max(high * 1.1, low * 10), HEIGHT - BOTTOM, TOP, is_log=True)
    return _Axis(0, high * 1.08, HEIGHT - BOTTOM, TOP)


def _figure(chart: Chart, shapes: Sequence[Markup]) -> Markup:
    svg = element("svg", *shapes, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=f"{chart.title}: {chart.alt}")
    legend = element(
        "p", *(element("span", line.name, class_=f"key {line.kind}") for line in chart.lines), class_="legend"
    )
    return element("figure", element("figcaption", chart.title), svg, legend if len(chart.lines) > 1 else None)


def _band(band: Band, x: _Axis) -> Markup:
    start, end = x.at(band.start), x.at(band.end)
    box = element(
        "rect", x=_px(start), y=TOP, width=_px(end - start), height=HEIGHT - TOP - BOTTOM,
        class_="judged" if band.judged else "unjudged",
    )  # fmt: skip
    fits = end - start > 7 * len(band.name)
    name = element("text", band.name, x=_px((start + end) / 2), y=HEIGHT - BOTTOM - 5, class_="phase") if fits else None
    return together(part for part in (box, name) if part is not None)


def _seen(chart: Chart, y: _Axis, limits: Sequence[float]) -> list[Markup]:
    """The grid; where nothing is drawn these words, and a grid only for the limits: an axis without values has none."""
    if any(line.points for line in chart.lines):
        return _grid(y, chart.unit)
    said = element("text", chart.alt, x=(LEFT + WIDTH - RIGHT) / 2, y=(TOP + HEIGHT - BOTTOM) / 2, class_="x")
    return [*(_grid(y, chart.unit) if limits else ()), said]


def _grid(y: _Axis, unit: str) -> list[Markup]:
    found = []
    for tick in y.ticks():
        at = _px(y.at(tick))
        text = format_ms(tick * 1e6) if unit == "ms" else f"{tick:g}{f' {unit}' if unit else ''}"
        found.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at, class_="grid"))
        found.append(element("text", "0" if tick == 0 else text, x=LEFT - 6, y=_px(y.at(tick) + 4), class_="y"))
    return found


def _x_tick(at: float, text: str) -> Markup:
    return element("text", text, x=_px(at), y=HEIGHT - 8, class_="x")


def _time_ticks(seconds: float) -> list[float]:
    for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400):
        if seconds / step <= 6:
            return [float(step * k) for k in range(int(seconds // step) + 1)]
    return [0.0, seconds]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _limit(limit: Limit, y: _Axis) -> Markup:
    at = y.at(limit.value)
    kind = "limit broken" if limit.broken else "limit"
    line = element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=_px(at), y2=_px(at), class_=kind)
    return together((line, element("text", limit.text, x=WIDTH - RIGHT - 4, y=_px(at - 4), class_="limit-text")))


def _mark(limit: Limit, at: float, y: _Axis) -> Markup:
    """A limit of one percentile: a tick across its place, where the curve has to stay below."""
    height = _px(y.at(limit.value))
    kind = "limit broken" if limit.broken else "limit"
    line = element("line", x1=_px(at - 26), x2=_px(at + 26), y1=height, y2=height, class_=kind)
    return together((line, element("text", limit.text, x=_px(at), y=_px(y.at(limit.value) - 4), class_="mark-text")))


def _line(line: Polyline, x: _Axis, y: _Axis) -> Markup:
    path, before = "", None
    for at, value in line.points:
        broken = before is None or at - before > line.gap
        path += f"{'M' if broken else 'L'}{_px(x.at(at))} {_px(y.at(value))}"
        if broken:
            path += "h.5"  # a point by itself is seen as well
        before = at
    return element("path", d=path, class_=f"line {line.kind}")


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
