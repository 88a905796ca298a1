"""What production promises over a period, and who is told how a run went: plain values for all that is built on them.

A promise is about the share of bad requests, so everything here is exact: fractions of 1, integer nanoseconds.
"""

import re
from fractions import Fraction
from typing import Literal

import msgspec

from perfspec.base.clock import SECOND
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.expressions import Path
from perfspec.language.nodes import Entry, Mapping, Node, Scalar
from perfspec.language.phrase_grammar import parse_duration, parse_limit, parse_share
from perfspec.language.phrases import Limit
from perfspec.language.quantities import with_unit

__all__ = ["BudgetStep", "LatencyPromise", "Notice", "Prometheus", "Slo", "read_notice", "read_slo"]

PERIOD_NS = 30 * 86_400 * SECOND
"""If left out: 30 days."""
_PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)")
_MATCHER = r'[a-zA-Z_]\w*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"'
_MATCHERS = re.compile(rf"{_MATCHER}(?:\s*,\s*{_MATCHER})*")
_SELECTOR = re.compile(rf"[a-zA-Z_:][\w:]*(?:\{{\s*(?:{_MATCHER}(?:\s*,\s*{_MATCHER})*)?\s*,?\s*\}})?")


class LatencyPromise(msgspec.Struct, frozen=True):
    """`suggest: {p95: at most 120ms, label: 'endpoint="suggest"'}`; one for each percentile."""

    request: str
    request_span: Span
    quantile: Fraction
    limit_ns: int
    """The longest good duration: `under 120ms` is 1 ns shorter than `at most 120ms`."""
    text: str
    """`p95 at most 120ms`."""
    label: str
    """The matchers by which production picks this request out; empty where it has none."""
    span: Span

    @property
    def target(self) -> Fraction:
        """The share of requests that are to be fast enough."""
        return self.quantile

    @property
    def edge_ns(self) -> int:
        """The limit as written, where a bucket of production's histogram has to end."""
        return self.limit_ns + (" under " in self.text)


class BudgetStep(msgspec.Struct, frozen=True):
    """What the team does when this share of the error budget is used up."""

    share: Fraction
    action: str
    span: Span


class Prometheus(msgspec.Struct, frozen=True):
    """The series in which production measures the same; empty where it does not."""

    total: str = ""
    errors: str = ""
    latency: str = ""


class Slo(msgspec.Struct, frozen=True):
    span: Span
    period_ns: int = PERIOD_NS
    availability: Limit | None = None
    availability_span: Span | None = None
    latency: tuple[LatencyPromise, ...] = ()
    when_budget_spent: tuple[BudgetStep, ...] = ()
    """By share, the smallest first."""
    prometheus: Prometheus | None = None
    runbook: str = ""
    """The address of the page that alerts name; empty where there is none."""

    @property
    def target(self) -> Fraction | None:
        """The promised share of good requests."""
        return self.availability.quantity.value if self.availability else None

    @property
    def budget(self) -> Fraction | None:
        """The share of requests that may be bad."""
        return 1 - self.target if self.target is not None else None


class Notice(msgspec.Struct, frozen=True):
    """Who is told, and when. The address itself is a secret and never part of a plan or a result."""

    kind: Literal["slack", "webhook"]
    secret: str
    """The name of the secret that holds the address."""
    when: Literal["failed", "always", "recovered"]
    span: Span


def read_slo(node: Node | None, span: Span, out: Diagnostics) -> Slo | None:
    """The promises that a checked document makes; what cannot be read has been reported and is left out."""
    if not isinstance(node, Mapping):
        return None
    period, said, runbook = node.get("period"), node.get("availability"), node.get("runbook")
    return Slo(
        span=span,
        period_ns=(parse_duration(period, "period", out) if isinstance(period, Scalar) else None) or PERIOD_NS,
        availability=_availability(said, out) if isinstance(said, Scalar) else None,
        availability_span=said.span if isinstance(said, Scalar) else None,
        latency=tuple(p for entry in _entries(node, "latency") for p in _latency(entry, out)),
        when_budget_spent=_steps(node, out),
        prometheus=_prometheus(node.get("prometheus"), out),
        runbook=runbook.text.strip() if isinstance(runbook, Scalar) else "",
    )


def _entries(node: Mapping, key: str) -> tuple[Entry, ...]:
    found = node.get(key)
    return found.entries if isinstance(found, Mapping) else ()


def _availability(said: Scalar, out: Diagnostics) -> Limit | None:
    limit = parse_limit(said, out, "share")
    if limit is None:
        return None
    share = limit.quantity
    if limit.relation not in ("at least", "over") or limit.high or share.unit != "share":
        meant = with_unit(share.text, "share") if share.unit == "number" and share.value > 0 else "99.9%"
        meant = share.text if share.unit == "share" and share.value < 1 and not limit.high else meant
        out.add("PS606", f"`{said.text}` promises no availability", said.span, f"write `at least {meant}`")
    elif not 0 < share.value < 1:
        message = f"`{share.text}` leaves no error budget" if share.value >= 1 else f"`{share.text}` promises nothing"
        out.add("PS606", message, said.span, "write a share below 100%, such as `at least 99.9%`")
    else:
        return limit
    return None


def _latency(entry: Entry, out: Diagnostics) -> tuple[LatencyPromise, ...]:
    if not isinstance(entry.value, Mapping):
        return ()
    given = entry.value.get("label")
    label = given.text.strip() if isinstance(given, Scalar) else ""
    if isinstance(given, Scalar) and not _MATCHERS.fullmatch(label):
        out.add(
            "PS237", f"`{given.text[:40]}` picks out no label", given.span, "write for example 'endpoint=\"suggest\"'"
        )
        label = ""
    found = []
    for cell in entry.value:
        percentile = _PERCENTILE.fullmatch(cell.key.text)
        if percentile is None or not isinstance(cell.value, Scalar):
            continue
        quantile = Fraction(percentile[1]) / 100
        if not 0 < quantile < 1:
            message = f"`{cell.key.text}` is no percentile"
            out.add("PS605", message, cell.key.span, "write a number between 0 and 100: `p95`")
            continue
        limit_ns = _longest(cell.value, cell.key.text, out)
        if limit_ns is not None:
            text = f"{cell.key.text} {cell.value.text}"
            found.append(LatencyPromise(entry.key.text, entry.key.span, quantile, limit_ns, text, label, cell.key.span))
    return tuple(found)


def _longest(said: Scalar, cell: str, out: Diagnostics) -> int | None:
    limit = parse_limit(said, out, "time")
    if limit is None:
        return None
    if limit.quantity.unit == "time" and limit.relation in ("at most", "under"):
        return int(limit.quantity.value) - (limit.relation == "under")
    out.add("PS606", f"`{said.text}` promises no `{cell}`", said.span, "write `at most 120ms`")
    return None


def _steps(node: Mapping, out: Diagnostics) -> tuple[BudgetStep, ...]:
    found = []
    for entry in _entries(node, "when_budget_spent"):
        share = parse_share(entry.key, entry.key.text, out)
        if share is not None and not 0 < share <= 1:
            out.add("PS606", f"`{entry.key.text}` of a budget cannot be spent", entry.key.span, "write 1% to 100%")
        elif share is not None and isinstance(entry.value, Scalar):
            found.append(BudgetStep(share, entry.value.text, entry.key.span))
    return tuple(sorted(found, key=lambda step: step.share))


def _prometheus(node: Node | None, out: Diagnostics) -> Prometheus | None:
    if not isinstance(node, Mapping):
        return None
    found = {}
    for entry in node:
        if not isinstance(entry.value, Scalar) or entry.key.text not in Prometheus.__struct_fields__:
            continue
        if _SELECTOR.fullmatch(entry.value.text.strip()):
            found[entry.key.text] = entry.value.text.strip()
        else:
            hint = "write a metric with its labels, 'http_requests_total{service=\"search\"}', without any function"
            out.add("PS237", f"`{entry.key.text}` is no selector of Prometheus", entry.value.span, hint)
    return Prometheus(**found)


def read_notice(node: Node | None, out: Diagnostics) -> Notice | None:
    """Who is told. An address that is written out is a credential: whoever has it can write there."""
    if not isinstance(node, Mapping):
        return None
    entry = next((e for e in node if e.key.text in ("slack", "webhook")), None)
    when = node.get("when")
    if entry is None or not isinstance(entry.value, Scalar):
        return None
    holes = templates.holes(entry.value.text)
    tree = holes[0].tree if len(holes) == 1 and holes[0].end - holes[0].start == len(entry.value.text) else None
    if not (isinstance(tree, Path) and tree.root == "secret" and len(tree.parts) == 2):
        message = f"the address under `{entry.key.text}` is a credential: whoever has it can write there"
        advice = f"add `secrets: {{{entry.key.text}: NOTIFY_URL}}` and write `${{secret.{entry.key.text}}}`"
        out.add("PS701", message, entry.value.span, advice)
        return None
    word = when.text if isinstance(when, Scalar) else "failed"
    if word not in ("failed", "always", "recovered"):  # the schema has said it
        return None
    return Notice(entry.key.text, str(tree.parts[1]), word, entry.key.span)  # type: ignore[arg-type]
