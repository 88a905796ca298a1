"""Meaning: are names known where they are used, do thresholds, mixes and environments speak of things that exist?"""

import difflib
from collections.abc import Iterable

from perfspec import steps as kinds
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.expressions import Path
from perfspec.language.phrases import AbortRule
from perfspec.language.slips import is_slip, slipped
from perfspec.language.templates import Text
from perfspec.spec import advice, drawn, hardly_meant, placeholders, promises
from perfspec.spec.access import check_access
from perfspec.spec.load_checks import check_load
from perfspec.spec.model import Promise, Spec, Stage
from perfspec.spec.names import Known, Names, suggest
from perfspec.spec.promises import stage_promises
from perfspec.spec.rules import all_rules, measured, resolve_rule
from perfspec.spec.secrecy import check_secrets
from perfspec.spec.thresholds import check_promised, fits, parse_cell, parse_row, resolve
from perfspec.spec.timers import Timers, check_timer, timers
from perfspec.steps.kinds import Step
from perfspec.steps.reading import Read

__all__ = ["check"]


def check(spec: Spec, out: Diagnostics) -> None:
    """Report everything in the spec that does not fit together."""
    Names(spec, out).check()
    drawn.check(spec, out)
    placeholders.check(spec, out)
    hardly_meant.check(spec, out)
    promises.check(spec, out)
    _requests_and_rows(spec, out)
    _values(spec, out)
    check_access(spec, out)
    for stage in spec.stages.values():
        _stage(spec, stage, out)
    for environment in spec.environments.values():
        for name, span in zip(environment.stages or (), environment.stage_spans, strict=True):
            if name not in spec.stages:
                hint = suggest(name, dict.fromkeys(spec.stages))
                out.add(
                    "PS510",
                    f"environment `{environment.name}` allows a stage `{name}` that is nowhere",
                    span,
                    hint,
                )
    if spec.flows and not any(flow.weight > 0 for flow in spec.flows.values()):
        first = next(iter(spec.flows.values()))
        out.add("PS504", "no flow has a weight above zero, so nothing would be sent", first.span, "add `weight: 1`")
    check_secrets(spec, out)
    advice.check(spec, out)


def _all_steps(spec: Spec) -> Iterable[Step]:
    for steps in spec.parts():
        yield from kinds.walk(steps)


def _requests_and_rows(spec: Spec, out: Diagnostics) -> None:
    known, places, tags = timers(_all_steps(spec)), _places(spec), _tags(spec)
    promises = (*spec.promises, *(p for stage in spec.stages.values() for p in stage.promises))
    for promise in (*promises, *measured(spec, out)):
        _row(promise, spec, places, known, out)
        _where(promise, tags, out)


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


def _row(promise: Promise, spec: Spec, places: dict[str, Span], known: Timers, out: Diagnostics) -> None:
    row, cell = promise.row, promise.cell
    row_span = promise.row_span
    if row.kind == "flow" and row.name not in spec.flows:
        flows = {f.name: Known("flow", f.span) for f in spec.flows.values()}
        out.add("PS602", f"no flow is named `{row.name}`", row_span, suggest(row.name, flows))
    if row.kind == "group":
        _group(promise, spec, out)
    elif row.kind != "request":
        check_timer(promise, known, out)
    if row.kind != "request" or row.name in spec.lost:
        return
    if cell.statistic == "goodput":
        out.add("PS605", "goodput is about rounds, not about requests", promise.span, "write it under `all` or a flow")
    if row.name not in places:
        out.add("PS602", f"no request is named `{row.name}`", row_span, _instead(row.text, spec, places))
    elif "wait" in known[row.name] and cell.is_latency and not cell.timer:
        message = f"`{row.name}` waits until its answer is as wanted; `{cell.text}` does not say which time is meant"
        out.add(
            "PS609", message, promise.span, f"write `wait {cell.text}` (until done) or `poll {cell.text}` (one poll)"
        )
    else:
        check_timer(promise, known, out)


def _instead(row: str, spec: Spec, places: dict[str, Span]) -> str:
    """What was meant by the name of a row that nothing is called: a name, or one of the words of a row."""
    name, *rest = row.split(" ")
    for word in ("flow", "group"):
        if rest and is_slip(name, word):
            return f"did you mean `{word} {' '.join(rest)}`?"
    for at, word in enumerate(rest, 1):
        if is_slip(word, "where"):
            return f"did you mean `{' '.join((name, *rest[: at - 1], 'where', *rest[at:]))}`?"
    bare = row.partition(" where ")[0]
    if bare in spec.flows:
        near = slipped(bare, places)
        renamed = f"did you mean `{near[0]}` (line {places[near[0]].line})? The flow is " if near else "write "
        return f"{renamed}`flow {bare}`"
    if bare in _groups(spec):
        return f"write `group {bare}`"
    near = slipped(bare, places) or difflib.get_close_matches(bare, places, 1)
    if not near and is_slip(bare, "all"):
        return "did you mean `all`?"
    return f"did you mean `{near[0]}` (line {places[near[0]].line})?" if near else "name a request with `name:`"


def _groups(spec: Spec) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for steps in spec.parts():
        for group in kinds.groups(steps):
            found.setdefault(group.name, Known("group", group.name_span))
    return found


def _group(promise: Promise, spec: Spec, out: Diagnostics) -> None:
    """A group has times, failures and a number; what else there is belongs to its requests."""
    known = _groups(spec)
    row, cell = promise.row, promise.cell
    if row.name in spec.lost:
        return
    if row.name not in known:
        hint = suggest(row.name, known) or "name one with `group:` or `parallel:`"
        out.add("PS602", f"no group is named `{row.name}`", promise.row_span, hint)
    elif row.where:
        out.add("PS602", "a group has no tags", promise.row_span, f"write `{row.text.partition(' where ')[0]}`")
    elif cell.timer or cell.statistic == "availability":
        what = f"no `{cell.timer}` time" if cell.timer else "no availability, only its requests have"
        hint = "write `p95`" if cell.timer else "write `errors`"
        out.add("PS605", f"a group has {what}", promise.span, hint)


def _values(spec: Spec, out: Diagnostics) -> None:
    """Every environment has every value that is used anywhere, and each makes a limit of a promise."""
    promises = (*spec.promises, *(p for stage in spec.stages.values() for p in stage.promises))
    rules = all_rules(spec)
    texts = (*(promise.limit for promise in promises), *(rule.text for rule in rules))
    used = _used_values(spec, texts)
    for text in texts:
        _limit_holes(text, out)
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
            resolve(promise, known, out, spec.promised)
        for rule in rules:
            resolve_rule(rule, known, out)


def _limit_holes(limit: Text, out: Diagnostics) -> None:
    """A limit is known before the run: its holes are `${values.NAME}` and nothing else."""
    for hole in templates.holes(limit.source):
        tree = hole.tree
        if not (isinstance(tree, Path) and tree.root == "values" and len(tree.parts) == 2):
            name = str(tree.parts[-1]) if isinstance(tree, Path) else "NAME"
            span = limit.at(hole.start, hole.end)
            message = "a limit can read `${values.NAME}` and nothing else"
            out.add("PS301", message, span, f"write `${{values.{name}}}`, and give every environment the value")


def _used_values(spec: Spec, limits: Iterable[Text]) -> dict[str, tuple[str, int]]:
    """Name of a value -> who uses it first, and on which line."""
    reads = [(path, span, "thresholds use") for limit in limits for path, span in limit.reads()]
    for step in _all_steps(spec):
        own = kinds.KINDS[type(step)].names(step)
        reads += [(name.path, name.span, "a step uses") for name in own if isinstance(name, Read)]
    reads += [(path, span, "data use") for path, span in drawn.reads(spec)]
    used: dict[str, tuple[str, int]] = {}
    for path, span, who in reads:
        if path.root == "values" and len(path.parts) > 1:
            used.setdefault(str(path.parts[1]), (who, span.line))
    return used


def _stage(spec: Spec, stage: Stage, out: Diagnostics) -> None:
    for name, span in stage.mix_spans.items():
        if name not in spec.flows:
            known = {f.name: Known("flow", f.span) for f in spec.flows.values()}
            out.add("PS505", f"no flow is named `{name}`", span, suggest(name, known))
    check_load(stage, out)
    rows = {p.row.text for p in stage_promises(spec, stage)}
    for rule in stage.abort:
        row = rule.row
        if rule.kind == "metric":
            _metric_rule(rule, spec, out)
        if rule.kind == "threshold" and row not in ("any", "errors") and row not in rows:
            out.add(
                "PS602",
                f"no threshold is about `{row}`",
                rule.span,
                suggest(row, dict.fromkeys(("errors", "any", *rows))),
            )


def _metric_rule(rule: AbortRule, spec: Spec, out: Diagnostics) -> None:
    """A rule that could never be true would be a promise that nobody keeps."""
    assert rule.limit is not None
    cell, row = parse_cell(rule.metric, rule.span, out), parse_row(rule.row, rule.span, out)
    if cell is None or row is None or not fits(cell, rule.limit, rule.span, out):
        return
    if cell.statistic == "goodput" and row.kind == "request":
        message, hint = "goodput is about rounds, not about requests", rule.text.replace(f" of {rule.row}", "")
        out.add("PS605", message, rule.span, f"write `{hint}`")
        return
    check_promised(cell, rule.span, spec.promised, out)
    promise = Promise(row, cell, Text(rule.text, rule.span), rule.span, rule.span)
    _row(promise, spec, _places(spec), timers(_all_steps(spec)), out)
    _where(promise, _tags(spec), out)


def _places(spec: Spec) -> dict[str, Span]:
    """Request -> where it is named first."""
    found: dict[str, Span] = {}
    for request in map(kinds.request_of, _all_steps(spec)):
        if request is not None:
            found.setdefault(request.name, request.name_span)
    return found


def _tags(spec: Spec) -> dict[str, set[str]]:
    """Tag -> its values, as written."""
    found: dict[str, set[str]] = {}
    for request in map(kinds.request_of, _all_steps(spec)):
        for tag, value in () if request is None else request.tags:
            found.setdefault(tag, set()).add(value.source)
    return found
