"""What the names of generators stand for, where that is a number or a text in any case: some values of each."""

from perfspec.data.kinds import Fake, Filled, Number, Sequence, Uuid, Words
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.language import doomed, templates
from perfspec.language.doomed import Samples
from perfspec.language.expressions import Path
from perfspec.language.nodes import Mapping, Scalar
from perfspec.language.schema import Schema
from perfspec.spec.model import Spec
from perfspec.steps import requests
from perfspec.steps.kinds import Request

__all__ = ["check_expressions", "check_paths"]

_ADDRESSES = ("location", "content-location")
_TEXTS = ("", "a", "12", "two words", "2026-01-31", "aGk=")


def check_expressions(spec: Spec, merged: Mapping, schema: Schema, out: Diagnostics) -> None:
    """Report what can only fail, whatever is drawn: `${count + note}` of a number and a text."""
    samples = _samples(spec)
    for place in schema.walk(merged):
        if place.annotation.get("template") and isinstance(place.node, Scalar) and "${" in place.node.text:
            doomed.check(place.node, out, samples)


def check_paths(spec: Spec, out: Diagnostics) -> None:
    """Report a path that is one hole, and in it a number or a text without a `/` in any case."""
    drawn = {data.name for data in spec.data if isinstance(data, Number | Sequence | Uuid | Words | Fake)}
    sent = [request for steps in spec.parts() for request in requests(steps)]
    addresses = {
        captured.name
        for request in sent
        for captured in request.capture
        if captured.capture.source == "header" and captured.capture.argument.lower() in _ADDRESSES
    }
    for request in sent:
        inner = templates.whole(request.path.source.removeprefix("/"))
        if inner is not None and request.path.source.startswith("/") and isinstance(inner.tree, Path):
            _escaped(request, inner.tree, addresses, out)
        hole = templates.whole(request.path.source)
        if hole is not None and isinstance(hole.tree, Path) and hole.tree.root in drawn:
            message = f"`{hole.tree.root}` is no path: it does not begin with `/`"
            out.add("PS241", message, request.path.span, f"write `/{request.path.source}`")


def _escaped(request: Request, path: Path, addresses: set[str], out: Diagnostics) -> None:
    if path.root in addresses:
        message = f"`{path.root}` is an address; behind a `/` its own are sent as `%2F`"
        fix = f"write `{request.path.source[1:]}`, alone"
        out.add("PS241", message, request.path.span, fix, severity=Severity.WARNING)


def _samples(spec: Spec) -> Samples:
    found: dict[str, tuple[object, ...]] = {}
    for data in spec.data:
        match data:
            case Number(low=low, high=high, decimals=decimals):
                ends = (low, (low + high) / 2, high)
                found[data.name] = tuple(round(end, decimals) if decimals else int(end) for end in ends)
            case Sequence(first=first):
                found[data.name] = (first, first + 1)
            case Fake() | Filled() | Uuid() | Words():
                found[data.name] = _TEXTS
    return found
