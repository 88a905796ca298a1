"""Changes of specs as text, Markdown or JSON: what was loosened comes first, since that is what needs a second look."""

import json
from collections.abc import Callable, Mapping, Sequence

from perfspec.report.markdown import escaped, table
from perfspec.spec.difference import Change

__all__ = ["RENDERERS"]

ORDER = ("loosened", "changed", "tightened")
MARKS = {"loosened": "⚠️ loosened", "changed": "changed", "tightened": "tightened"}


def _sorted(changes: Sequence[Change]) -> list[Change]:
    return sorted(changes, key=lambda change: ORDER.index(change.kind))


def _text(changes: Sequence[Change]) -> str:
    if not changes:
        return "nothing that a run is judged by has changed"
    return "\n".join(
        f"{change.kind:9}  {change.service}: {change.text}  ({change.span.path}:{change.span.line})"
        for change in _sorted(changes)
    )


def _markdown(changes: Sequence[Change]) -> str:
    if not changes:
        return "Nothing that a run is judged by has changed."
    rows = [
        (MARKS[c.kind], escaped(c.service), escaped(c.text), f"`{c.span.path}:{c.span.line}`") for c in _sorted(changes)
    ]
    return "\n".join(table(("", "service", "what", "in the spec"), rows))


def _json(changes: Sequence[Change]) -> str:
    found = [
        {"service": c.service, "kind": c.kind, "text": c.text, "file": c.span.path, "line": c.span.line}
        for c in _sorted(changes)
    ]
    return json.dumps(found, indent=2, ensure_ascii=False)


RENDERERS: Mapping[str, Callable[[Sequence[Change]], str]] = {"text": _text, "markdown": _markdown, "json": _json}
