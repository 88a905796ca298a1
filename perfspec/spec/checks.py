"""Meaning: are names known where they are used, do thresholds, mixes and environments speak of things that exist?"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from perfspec import steps as kinds
from perfspec.base.units import format_duration
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.expressions import Path
from perfspec.language.phrases import AbortRule
from perfspec.spec import drawn
from perfspec.spec.access import check_access
from perfspec.spec.model import Promise, Spec, Stage
from perfspec.spec.thresholds import fits, parse_cell, resolve
from perfspec.steps.kinds import Captured, ForEach, Request, Step, WaitUntil
from perfspec.steps.reading import Bind, Read
from perfspec.steps.request import needs_name

__all__ = ["check", "stage_promises"]

BUILT_IN = {"run": ("id", "stage", "environment"), "user": ("number",), "round": ("number",)}


def check(spec: Spec, out: Diagnostics) -> None:
    """Report everything in the spec that does not fit together."""
    Names(spec, out).check()
    drawn.check(spec, out)
    _requests_and_rows(spec, out)
    _values(spec, out)
    check_access(spec, out)
    for stage in spec.stages.values():
        _stage(spec, stage, out)
    for environment in spec.environments.values():
        for name in environment.stages or ():
            if name not in spec.stages:
                hint = _suggest(name, dict.fromkeys(spec.stages))
                out.add(
                    "PS510",
                    f"environment `{environment.name}` allows a stage `{name}` that is nowhere",
                    environment.span,
                    hint,
                )
    if spec.flows and not any(flow.weight > 0 for flow in spec.flows.values()):
        first = next(iter(spec.flows.values()))
        out.add("PS504", "no flow has a weight above zero, so nothing would be sent", first.span, "add `weight: 1`")


@dataclass(slots=True)
class Known:
    """A name and where it comes from."""

    what: str
    span: Span

    def __str__(self) -> str:
        return f"({self.what}, line {self.span.line})"


@dataclass(slots=True)
class Names:
    """Walks the steps in the order they happen, and knows at each one which names have a value."""

    spec: Spec
    out: Diagnostics
    data: dict[str, Known] = field(default_factory=dict)
    is_once: bool = False
    """In setup or teardown: nobody's round."""
    unknown: set[Span] = field(default_factory=set)
    """Where a name is read that has no value: nothing else needs to be said there."""

    def check(self) -> None:
        self.data = {d.name: Known("data", d.span) for d in self.spec.data}
        self.data |= {name: Known("data", span) for name, span in self.spec.unread.items()}
        self.is_once = True
        shared = self._walk(self.spec.setup, dict(self.data))
        self.is_once = False
        for flow in self.spec.flows.values():
            self._walk(flow.steps, dict(shared))
        self.is_once = True
        self._walk(self.spec.teardown, dict(shared))
        for step in _all_steps(self.spec):
            request = kinds.request_of(step)
            if request is not None:
                self._unnamed(request)

    def _unnamed(self, request: Request) -> None:
        if needs_name(request) and not any(span in self.unknown for _, span in request.path.reads()):
            message = "a path with `${...}` needs a `name`, or every address becomes a row of its own"
            self.out.add(
                "PS404", message, request.path.span, "add `name: ` and what reports and thresholds should call it"
            )

    def _walk(self, steps: tuple[Step, ...], known: dict[str, Known]) -> dict[str, Known]:
        later: dict[str, tuple[Bind, Step]] = {}
        for step in kinds.walk(steps):
            for name in kinds.KINDS[type(step)].names(step):
                if isinstance(name, Bind):
                    later.setdefault(name.name, (name, step))
        for step in kinds.walk(steps):
            if isinstance(step, ForEach):
                self._list(step)
        for name in kinds.names(steps):
            if isinstance(name, Bind):
                known[name.name] = Known(name.what, name.span)
            else:
                self._read(name, known, later)
        return known

    def _list(self, step: ForEach) -> None:
        """What is drawn is one value; going through it would end every round."""
        (hole,) = templates.holes(step.items.source)
        tree = hole.tree
        if isinstance(tree, Path) and tree.root in self.data and tree.root not in self.spec.unread:
            hint = "go through a captured list, or through `prefixes(...)` or `split(...)` of a text"
            self.out.add("PS305", f"`{tree.dotted}` is drawn as one value, not as a list", step.items.span, hint)

    def _read(self, read: Read, known: dict[str, Known], later: dict[str, tuple[Bind, Step]]) -> None:
        root = read.path.root
        if root in BUILT_IN or root in ("values", "secret"):
            self._built_in(read.path, read.span)
        elif root in known:
            if read.path.is_fresh and root not in self.data:
                message = f"`{root}` is not drawn, so `fresh` cannot draw it again {known[root]}"
                self.out.add("PS233", message, _root_span(read), f"write `{root}`, or name a data generator")
        elif root in later:
            self.unknown.add(read.span)
            bind, step = later[root]
            message = f"`{root}` is used before it is captured"
            below = f"move this step below the one on line {step.span.line}"
            hint = "a step cannot use what it captures itself" if _is_own(read, step) else below
            self.out.add("PS306", message, _root_span(read), hint, related=((bind.span, ""),))
        else:
            self.unknown.add(read.span)
            message = f"nothing is called `{root}` (data, captures and names set before this step)"
            elsewhere = self._elsewhere(root)
            self.out.add("PS301", message, _root_span(read), elsewhere or _suggest(root, known))

    def _elsewhere(self, name: str) -> str:
        """Is it captured in another flow? A name lives in one flow, and in one round of it."""
        for flow in self.spec.flows.values():
            for bound in kinds.names(flow.steps):
                if isinstance(bound, Bind) and bound.name == name:
                    return f"it is captured in flow `{flow.name}` (line {bound.span.line}), and known there only"
        return ""

    def _built_in(self, path: Path, span: Span) -> None:
        root, rest = path.root, path.parts[1:]
        if root == "values":
            return  # every environment is asked below
        if root == "secret":
            if not rest or str(rest[0]) not in self.spec.secrets:
                name = str(rest[0]) if rest else ""
                known = {s.name: Known("secret", s.span) for s in self.spec.secrets.values()}
                self.out.add(
                    "PS304", f"no secret is called `{name}`", span, _suggest(name, known) or "add it under `secrets:`"
                )
        elif root in ("user", "round") and self.is_once:
            message = f"there is no `{path.dotted}` in setup and teardown, which happen once per run"
            self.out.add("PS301", message, span, "use `${run.id}`")
        elif not rest or rest[0] not in BUILT_IN[root]:
            there = ", ".join(f"`{root}.{n}`" for n in BUILT_IN[root])
            self.out.add("PS301", f"nothing is called `{path.dotted}`", span, f"there is {there}")


def _is_own(read: Read, step: Step) -> bool:
    return any(isinstance(n, Read) and n.span == read.span for n in kinds.KINDS[type(step)].names(step))


def _root_span(read: Read) -> Span:
    return read.span.part(0, len(read.path.root)) if read.span.width else read.span


def _suggest(name: str, known: "dict[str, Known] | dict[str, None]") -> str:
    near = difflib.get_close_matches(name, known, 1)
    if not near:
        return ""
    source = known[near[0]]
    return f"did you mean `{near[0]}`{f' {source}' if source else ''}?"


def _all_steps(spec: Spec) -> Iterable[Step]:
    for steps in (spec.setup, *(flow.steps for flow in spec.flows.values()), spec.teardown):
        yield from kinds.walk(steps)


def _requests_and_rows(spec: Spec, out: Diagnostics) -> None:
    places: dict[str, Span] = {}
    waits: set[str] = set()
    tags: dict[str, set[str]] = {}
    hidden = {c.name for step in _all_steps(spec) for c in _captures(step) if c.capture.secret}
    for step in _all_steps(spec):
        request = kinds.request_of(step)
        if request is not None:
            places.setdefault(request.name, request.name_span)
            _no_secrets(request, hidden, out)
            for tag, value in request.tags:
                tags.setdefault(tag, set()).add(value.source)
        if isinstance(step, WaitUntil):
            waits.add(step.request.name)
    for promise in (*spec.promises, *(p for stage in spec.stages.values() for p in stage.promises)):
        _row(promise, spec, places, waits, out)
        _where(promise, tags, out)


def _no_secrets(request: Request, hidden: set[str], out: Diagnostics) -> None:
    """A tag is written into every report. `hidden`: names captured as secret."""
    for tag, text in request.tags:
        for path, span in text.reads():
            if path.root == "secret" or path.root in hidden:
                out.add("PS701", f"the tag `{tag}` would write a secret into every report", span, "tag something else")


def _captures(step: Step) -> tuple[Captured, ...]:
    request = kinds.request_of(step)
    return request.capture if request is not None else ()


def _where(promise: Promise, tags: dict[str, set[str]], out: Diagnostics) -> None:
    """`where TAG is VALUE`: a tag that some request has, with that value where all its values are written out."""
    for tag, value in promise.row.where:
        if tag not in tags:
            near = difflib.get_close_matches(tag, tags, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"add `tags: {{{tag}: ...}}` to a request"
            out.add("PS602", f"no request has a tag `{tag}`", promise.row_span, hint)
        elif value not in tags[tag] and not any("${" in known for known in tags[tag]):
            there = ", ".join(sorted(tags[tag]))
            out.add("PS602", f"the tag `{tag}` is never `{value}`", promise.row_span, f"there is {there}")


def _row(promise: Promise, spec: Spec, places: dict[str, Span], waits: set[str], out: Diagnostics) -> None:
    row, cell = promise.row, promise.cell
    row_span = promise.row_span
    if row.kind == "flow" and row.name not in spec.flows:
        known = {f.name: Known("flow", f.span) for f in spec.flows.values()}
        out.add("PS602", f"no flow is named `{row.name}`", row_span, _suggest(row.name, known))
    if row.kind != "request":
        return
    if row.name not in places:
        near = difflib.get_close_matches(row.name, places, 1)
        hint = f"did you mean `{near[0]}` (line {places[near[0]].line})?" if near else "name a request with `name:`"
        hint = f"write `flow {row.name}`" if row.name in spec.flows else hint
        out.add("PS602", f"no request is named `{row.name}`", row_span, hint)
    elif row.name in waits and cell.is_latency and not cell.timer:
        message = f"`{row.name}` waits until its answer is as wanted; `{cell.text}` does not say which time is meant"
        out.add(
            "PS609", message, promise.span, f"write `wait {cell.text}` (until done) or `poll {cell.text}` (one poll)"
        )
    elif row.name not in waits and cell.timer:
        out.add(
            "PS605",
            f"`{row.name}` has no `until`, so it has no `{cell.timer}` time",
            promise.span,
            f"write `{cell.text.split()[-1]}`",
        )


def _values(spec: Spec, out: Diagnostics) -> None:
    """Every environment has every value that is used anywhere, and each makes a limit of a promise."""
    promises = (*spec.promises, *(p for stage in spec.stages.values() for p in stage.promises))
    used = _used_values(spec, promises)
    for promise in promises:
        _limit_holes(promise, out)
    for environment in spec.environments.values():
        values = environment.values
        for name, (who, line) in used.items():
            if name not in values:
                near = difflib.get_close_matches(name, [v for v in values if v not in used], 1)
                hint = f"`{near[0]}` is nearly `{name}`; " if near else ""
                message = f"environment `{environment.name}` has no value `{name}`, which {who} (line {line})"
                out.add("PS303", message, environment.span, f"{hint}every environment needs the same values")
        known: dict[str, object] = {f"values.{name}": value.text for name, value in values.items()}
        for promise in promises:
            resolve(promise, known, out)


def _limit_holes(promise: Promise, out: Diagnostics) -> None:
    """A limit is known before the run: its holes are `${values.NAME}` and nothing else."""
    for hole in templates.holes(promise.limit.source):
        tree = hole.tree
        if not (isinstance(tree, Path) and tree.root == "values" and len(tree.parts) == 2):
            name = str(tree.parts[-1]) if isinstance(tree, Path) else "NAME"
            span = promise.limit.at(hole.start, hole.end)
            message = "a limit can read `${values.NAME}` and nothing else"
            out.add("PS301", message, span, f"write `${{values.{name}}}`, and give every environment the value")


def _used_values(spec: Spec, promises: Iterable[Promise]) -> dict[str, tuple[str, int]]:
    """Name of a value -> who uses it first, and on which line."""
    reads = [(path, span, "thresholds use") for promise in promises for path, span in promise.limit.reads()]
    for step in _all_steps(spec):
        for name in kinds.KINDS[type(step)].names(step):
            if isinstance(name, Read):
                reads.append((name.path, name.span, "a step uses"))  # noqa: PERF401 - clearer than three loops in one
    reads += [(path, span, "data use") for path, span in drawn.reads(spec)]
    used: dict[str, tuple[str, int]] = {}
    for path, span, who in reads:
        if path.root == "values" and len(path.parts) > 1:
            used.setdefault(str(path.parts[1]), (who, span.line))
    return used


def stage_promises(spec: Spec, stage: Stage) -> tuple[Promise, ...]:
    """The table that counts in a stage: its own cells win over the spec's."""
    merged = {(p.row.text, p.cell.text): p for p in spec.promises}
    merged.update({(p.row.text, p.cell.text): p for p in stage.promises})
    return tuple(merged.values())


def _judged_time(stage: Stage, out: Diagnostics) -> None:
    """Is there something to judge, and something to run on into?"""
    first = next((phase for phase in stage.phases if phase.measured), None)
    if first is not None and stage.warmup_ns is not None and stage.warmup_ns >= first.for_ns:
        message = f"the warm-up of {format_duration(stage.warmup_ns)} leaves nothing of phase `{first.name}` to judge"
        out.add("PS512", message, first.span, f"make the phase longer than {format_duration(stage.warmup_ns)}")
    length = sum(phase.for_ns for phase in stage.phases)
    if stage.extend_to_ns and stage.extend_to_ns <= length:
        message = f"`extend_to: {format_duration(stage.extend_to_ns)}` is over before the phases are"
        out.add("PS512", message, stage.span, f"write more than {format_duration(length)}, or leave it out")
    if stage.phases and first is None:
        message = f"no phase of stage `{stage.name}` is measured, so nothing would be judged"
        out.add("PS512", message, stage.span, "remove `measure: false` from one of them")


def _stage(spec: Spec, stage: Stage, out: Diagnostics) -> None:
    for name, span in stage.mix_spans.items():
        if name not in spec.flows:
            known = {f.name: Known("flow", f.span) for f in spec.flows.values()}
            out.add("PS505", f"no flow is named `{name}`", span, _suggest(name, known))
    for before, after in zip(stage.phases, stage.phases[1:], strict=False):
        if before.users.end != after.users.start:
            jump = f"{after.users.start} users where `{before.name}` ended at {before.users.end}"
            message = f"phase `{after.name}` starts at {jump}"
            hint = f"a ramp between them avoids the jump: `users: ramp {before.users.end} to {after.users.start}`"
            out.add("PS502", message, after.span, hint, severity=Severity.WARNING)
    _judged_time(stage, out)
    rows = {p.row.text for p in stage_promises(spec, stage)}
    for rule in stage.abort:
        row = rule.row
        if rule.kind == "metric":
            _metric_rule(rule, spec, out)
        if rule.kind == "threshold" and row not in ("any", "errors") and row not in rows:
            out.add("PS602", f"no threshold is about `{row}`", rule.span, _suggest(row, dict.fromkeys(rows)))


def _metric_rule(rule: AbortRule, spec: Spec, out: Diagnostics) -> None:
    """A rule that could never be true would be a promise that nobody keeps."""
    assert rule.limit is not None
    cell = parse_cell(rule.metric, rule.span, out)
    if cell is None or not fits(cell, rule.limit, rule.span, out):
        return
    if cell.statistic in ("count", "throughput"):
        out.add("PS902", f"aborting by `{rule.metric}` is not built yet", rule.span, "write `errors over 25% for 30s`")
    sent = {request.name: None for request in map(kinds.request_of, _all_steps(spec)) if request is not None}
    if rule.row not in ("all", *sent):
        out.add("PS602", f"no request is named `{rule.row}`", rule.span, _suggest(rule.row, sent))
