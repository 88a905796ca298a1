"""From the checked document to a Spec. Tolerant: what is broken has been reported and is left out, its siblings are
read.

Defaults are filled in here, once: time-outs, headers, authorisation, weights.
"""

import shlex
from fractions import Fraction
from posixpath import dirname, join, normpath
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from perfspec import data as data_kinds
from perfspec.data.kinds import OF_FILES, Data
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Entry, Mapping, Node, Scalar, Sequence
from perfspec.language.phrase_grammar import parse_duration, parse_pause, parse_rate
from perfspec.spec.access import read_access, read_ready
from perfspec.spec.model import Environment, Flow, Fragment, Secret, Spec, Start, Value
from perfspec.spec.promised import promised_of
from perfspec.spec.rules import read_rules
from perfspec.spec.slo import read_notice, read_slo
from perfspec.spec.stages import read_stage
from perfspec.spec.thresholds import read_promises
from perfspec.steps import read_steps
from perfspec.steps.authorization import read_authorization
from perfspec.steps.pacing import paced
from perfspec.steps.reading import Reading
from perfspec.steps.request import header_table, table
from perfspec.steps.use import listed

__all__ = ["read"]

SHORTEST_SECRET = 6
TIMEOUT_NS = 30_000_000_000
START_WITHIN_NS = 30_000_000_000
T = TypeVar("T")


def read(path: str, root: Mapping, out: Diagnostics) -> Spec:
    """The spec that a merged document says."""
    defaults = root.get("defaults")
    steps = _reading(defaults if isinstance(defaults, Mapping) else None, out)
    steps.fragments = {e.key.text: e.value for e in _entries(root, "fragments") if isinstance(e.value, Mapping)}
    slo, each_user = root.get("slo"), root.get("each_user")
    visit = each_user if isinstance(each_user, Mapping) else Mapping((), root.span)
    return Spec(
        path=path,
        service=_text(root, "service"),
        about=_text(root, "about"),
        owner=_text(root, "owner"),
        seed=_whole(root.get("random_seed"), 1),
        environments={e.key.text: _environment(e, steps) for e in _entries(root, "environments")},
        secrets={e.key.text: _secret(e, out) for e in _entries(root, "secrets")},
        data=(data := _data(root, out)),
        unread=_unread(root, data),
        setup=read_steps(root.get("setup"), "setup", steps),
        teardown=read_steps(root.get("teardown"), "teardown", steps),
        flows={e.key.text: _flow(e, steps) for e in _entries(root, "flows")},
        fragments={e.key.text: _fragment(e, steps) for e in _entries(root, "fragments")},
        stages={e.key.text: read_stage(e, out) for e in _entries(root, "stages")},
        promises=read_promises(root.get("thresholds"), out),
        slo=(promises := read_slo(slo, _key_span(root, "slo"), out)),
        notify=read_notice(root.get("notify"), out),
        tags=tuple((e.key.text, e.value.text) for e in _entries(root, "tags") if isinstance(e.value, Scalar)),
        run_when_changed=_globs(root.get("run_when_changed")),
        rules=read_rules(root.get("thresholds")),
        promised=promised_of(promises),
        first=read_steps(visit.get("first"), "each_user.first", steps),
        last=read_steps(visit.get("last"), "each_user.last", steps),
        defaults=_default_reads(steps),
        lost=frozenset(steps.lost),  # the last: known once all steps are read
    )


def _key_span(root: Mapping, key: str) -> Span:
    entry = root.entry(key)
    return entry.key.span if entry else root.span


def _globs(node: Node | None) -> tuple[str, ...]:
    return tuple(item.text for item in node if isinstance(item, Scalar)) if isinstance(node, Sequence) else ()


def _default_reads(steps: Reading) -> frozenset[Span]:
    texts = [text for _, text in steps.headers]
    texts += [text for text in steps.authorization or () if text is not None]
    return frozenset(span for text in texts for _, span in text.reads())


def _entries(root: Mapping, key: str) -> tuple[Entry, ...]:
    node = root.get(key)
    return node.entries if isinstance(node, Mapping) else ()


def _text(node: Mapping, key: str) -> str:
    found = node.get(key)
    return found.text if isinstance(found, Scalar) else ""


def _whole(node: Node | None, otherwise: int) -> int:
    return node.value if isinstance(node, Scalar) and type(node.value) is int else otherwise


def _span(node: Mapping, key: str, otherwise: Span) -> Span:
    found = node.get(key)
    return found.span if found is not None else otherwise


def _reading(defaults: Mapping | None, out: Diagnostics) -> Reading:
    reading = Reading(out, lambda node, at: read_steps(node, at, reading), TIMEOUT_NS)
    if defaults is None:
        return reading
    timeout = defaults.get("timeout")
    if isinstance(timeout, Scalar):
        reading.timeout_ns = parse_duration(timeout, "timeout", out) or TIMEOUT_NS
    redirects = defaults.get("redirects")
    reading.follows = not (isinstance(redirects, Scalar) and redirects.text == "keep")
    traced = defaults.get("traceparent")
    reading.traced = isinstance(traced, Scalar) and traced.text == "send"
    pause = defaults.get("pause")
    if isinstance(pause, Scalar) and (said := parse_pause(pause, out)) is not None:
        reading.pause = said, pause.span
    reading.tags = table(defaults.get("tags"), reading)
    auth = defaults.get("auth")
    if isinstance(auth, Scalar):
        reading.authorization = read_authorization(auth, reading)
    reading.headers = header_table(defaults.get("headers"), reading)
    return reading


def _data(root: Mapping, out: Diagnostics) -> tuple[Data, ...]:
    found = []
    for entry in _entries(root, "data"):
        if not isinstance(entry.value, Mapping):
            continue
        data = data_kinds.read(entry.key.text, entry.key.span, entry.value, out)
        if isinstance(data, OF_FILES):  # relative to the file that says it
            data = replace(data, path=normpath(join(dirname(data.span.path), data.path)))
        if data is not None:
            found.append(data)
    return tuple(found)


def _unread(root: Mapping, data: tuple[Data, ...]) -> dict[str, Span]:
    known = {each.name for each in data}
    return {e.key.text: e.key.span for e in _entries(root, "data") if e.key.text not in known}


def _flow(entry: Entry, steps: Reading) -> Flow:
    node = entry.value if isinstance(entry.value, Mapping) else Mapping((), entry.value.span)
    weight = node.get("weight")
    value = weight.value if isinstance(weight, Scalar) else 1
    share = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 1.0
    found = read_steps(node.get("steps"), f"flows.{entry.key.text}", steps)
    return Flow(entry.key.text, entry.key.span, share, paced(found, *steps.pause) if steps.pause else found)


def _fragment(entry: Entry, steps: Reading) -> Fragment:
    """A fragment by itself, whoever uses it."""
    node = entry.value if isinstance(entry.value, Mapping) else Mapping((), entry.value.span)
    steps.using = [entry.key.text]
    found = read_steps(node.get("steps"), f"fragments.{entry.key.text}", steps)
    steps.using = []
    return Fragment(entry.key.text, entry.key.span, listed(node, "needs"), listed(node, "gives"), found)


def _secret(entry: Entry, out: Diagnostics) -> Secret:
    node = entry.value
    if isinstance(node, Mapping):
        local = node.get("when_local")
        given = local.text if isinstance(local, Scalar) else None
        if isinstance(local, Scalar) and len(local.text) < SHORTEST_SECRET:
            message = (
                f"the secret `{entry.key.text}` has fewer than {SHORTEST_SECRET} characters and could not be masked"
            )
            out.add("PS702", message, local.span, "use a longer one")
        return Secret(entry.key.text, entry.key.span, _text(node, "from_env"), given)
    variable = node.text if isinstance(node, Scalar) else ""
    return Secret(entry.key.text, entry.key.span, variable, None)


def _environment(entry: Entry, reading: Reading) -> Environment:
    out = reading.out
    node = entry.value if isinstance(entry.value, Mapping) else Mapping((), entry.value.span)
    stages = node.get("stages")
    values = node.get("values")
    start = node.get("start")
    confirm, limits = node.get("confirm"), node.get("limits")
    return Environment(
        name=entry.key.text,
        span=entry.key.span,
        url=_url(node, out),
        url_span=_span(node, "url", entry.key.span),
        values={
            e.key.text: Value(e.value.text, e.value.value, e.key.span)
            for e in (values if isinstance(values, Mapping) else ())
            if isinstance(e.value, Scalar)
        },
        stages=tuple(s.text for s in stages if isinstance(s, Scalar)) if isinstance(stages, Sequence) else None,
        stage_spans=tuple(s.span for s in stages if isinstance(s, Scalar)) if isinstance(stages, Sequence) else (),
        ready=read_ready(node.get("ready"), reading),
        start=_start(start, out) if isinstance(start, Mapping) else None,
        confirm=confirm.text if isinstance(confirm, Scalar) else None,
        most_users=_whole(limits.get("users"), 0) or None if isinstance(limits, Mapping) else None,
        access=read_access(node, reading),
        most_requests_per_s=_rate(limits.get("requests"), out) if isinstance(limits, Mapping) else None,
    )


def _rate(node: Node | None, out: Diagnostics) -> Fraction | None:
    """A ceiling of less than one a second would be none at all."""
    quantity = parse_rate(node, "requests", out) if isinstance(node, Scalar) else None
    if quantity is None or node is None:
        return None
    if quantity.value < 1:
        out.add("PS202", f"`requests` cannot be `{quantity.text}`", node.span, "write 1/s or more")
        return None
    return quantity.value


def _url(node: Mapping, out: Diagnostics) -> str:
    """The base address, checked as far as that is possible without asking anyone."""
    text, span = _text(node, "url").rstrip("/"), _span(node, "url", node.span)
    scheme, found, rest = text.partition("://")
    text = scheme.lower() + found + rest
    if not text.startswith(("http://", "https://")):  # the schema has said it
        return text
    if "${" in text:
        out.add(
            "PS113", "an address is written out; `${...}` is not looked into here", span, "write the address itself"
        )
        return ""
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna").decode()
        is_usable = bool(host) and parts.port != 0
    except ValueError:
        parts, host, is_usable = urlsplit(""), "", False
    if not is_usable:
        out.add("PS113", f"`{text}` is no address", span, "write for example `http://127.0.0.1:8080`")
    elif parts.username is not None:
        fix = "write `defaults: {auth: 'basic USER:${secret.password}'}`"
        out.add("PS113", "an address says nobody's name: requests say who they are by `auth`", span, fix)
    return text if text.isascii() else parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host).geturl()


def _start(node: Mapping, out: Diagnostics) -> Start:
    within = node.get("within")
    within_ns = parse_duration(within, "within", out) if isinstance(within, Scalar) else None
    command = node.get("command")
    if command is not None and "${" in _text(node, "command"):
        out.add("PS113", "a command is written out; `${...}` is not looked into here", command.span, "write it out")
    try:
        shlex.split(_text(node, "command"))
    except ValueError as error:
        out.add(
            "PS113",
            f"the command cannot be read: {str(error).lower()}",
            command.span if command else node.span,
            "close the quote",
        )
    return Start(_text(node, "command"), _text(node, "ready") or "/", within_ns or START_WITHIN_NS, node.span)
