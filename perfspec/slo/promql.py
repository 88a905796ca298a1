"""Queries to Prometheus, as text. Numbers in them are exact: a decimal where there is one, else a division."""

from fractions import Fraction
from typing import NamedTuple

from perfspec.base.units import format_decimal, format_duration

__all__ = ["Selector", "edge", "label", "matcher", "number", "seconds", "window"]


class Selector(NamedTuple):
    """Which series: a metric and what its labels must be."""

    metric: str
    matchers: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> "Selector":
        """`http_requests_total{service="search"}`, as a spec says it."""
        metric, _, inside = text.partition("{")
        matchers = inside.strip().removesuffix("}").strip().removesuffix(",").strip()
        return cls(metric.strip(), (matchers,) if matchers else ())

    def narrowed(self, *matchers: str) -> "Selector":
        return Selector(self.metric, (*self.matchers, *(each for each in matchers if each)))

    def part(self, suffix: str) -> "Selector":
        """Of a histogram: `_bucket`, `_count`."""
        return Selector(self.metric + suffix, self.matchers)

    def __str__(self) -> str:
        return f"{self.metric}{{{','.join(self.matchers)}}}" if self.matchers else self.metric


def label(text: str) -> str:
    """A text as the value of a label."""
    escaped = text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'


def matcher(**labels: str) -> str:
    return ",".join(f"{name}={label(value)}" for name, value in labels.items())


def number(value: Fraction) -> str:
    """`0.0144`; what no decimal can say stays a division."""
    text = format_decimal(value)
    return text if Fraction(text) == value else f"({value.numerator} / {value.denominator})"


def seconds(ns: int) -> Fraction:
    return Fraction(ns, 1_000_000_000)


def edge(ns: int) -> str:
    """The matcher of the bucket that ends there. Some clients write a whole number of seconds as `1`, some as `1.0`."""
    value = seconds(ns)
    if value.denominator == 1:
        return f'le=~"{value.numerator}([.]0)?"'
    return f'le="{format_decimal(value)}"'


def window(ns: int) -> str:
    """A duration as Prometheus reads it."""
    return format_duration(ns)
