"""The effective spec: with everything it includes, and where each line comes from."""

from dataclasses import dataclass

from perfspec.app.lint import Checked, lint, schema
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Mapping
from perfspec.language.writing import written

__all__ = ["Shown", "show"]


@dataclass(frozen=True, slots=True)
class Shown:
    text: str
    """Empty where nothing can be read."""
    checked: Checked


def show(path: str) -> Shown:
    """The spec as it counts. Raises UsageFailure for a file that cannot be read."""
    checked = lint(path)
    text = "" if checked.merged is None else written(_in_order(checked.merged), checked.sources, _origin)
    return Shown(text, checked)


def _in_order(root: Mapping) -> Mapping:
    """As a spec is usually written, wherever its parts come from: the schema's order."""
    order = {key: number for number, key in enumerate(schema().document["properties"])}
    return Mapping(tuple(sorted(root, key=lambda entry: order.get(entry.key.text, len(order)))), root.span)


def _origin(span: Span) -> str:
    return f"{span.path}:{span.line}"
