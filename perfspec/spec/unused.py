"""What a whole spec does not need: data and secrets that nobody reads; and stages, where it has none."""

from collections.abc import Iterator

from perfspec.diagnostics.diagnostic import Diagnostic, Diagnostics, Severity
from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.expressions import Path, paths
from perfspec.language.nodes import Mapping, Node, Scalar, Sequence
from perfspec.spec.model import Spec

__all__ = ["unused"]


def unused(spec: Spec, merged: Mapping) -> list[Diagnostic]:
    """Warnings about a spec that is complete; while it is being written they would be in the way.

    `merged`: the spec as it was written, with what it includes.
    """
    out = Diagnostics()
    if not spec.stages:
        hint = "add `stages: {smoke: {phases: [{for: 30s, users: 5}]}}`"
        out.add("PS246", "the spec has no `stages`, so nothing of it can run", _begin(spec), hint,
                severity=Severity.WARNING)  # fmt: skip
    read = set(_read(merged))
    names = {path.root for path in read}
    secrets = {str(path.parts[1]) for path in read if path.root == "secret" and len(path.parts) > 1}
    idle = [each for each in spec.data if each.name not in names]
    for each in (*idle, *(secret for secret in spec.secrets.values() if secret.name not in secrets)):
        if each.span.path == spec.path:
            out.add("PS247", f"nothing reads `{each.name}`", each.span, "remove it", severity=Severity.WARNING)
    return out.sorted()


def _read(node: Node) -> Iterator[Path]:
    match node:
        case Mapping():
            for entry in node:
                yield from _read(entry.value)
        case Sequence():
            for item in node:
                yield from _read(item)
        case Scalar() if "${" in node.text:
            for hole in templates.holes(node.text):
                yield from paths(hole.tree)


def _begin(spec: Spec) -> Span:
    first = next(iter(spec.environments.values()), None)
    return first.span if first else Span(spec.path, 1, 1, 1, 1)
