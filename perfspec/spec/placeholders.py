"""Holes as other tools write them: `{id}`, `{{id}}`, `%{id}`, `$id`. Here they are text, and sent as they stand.

In braces, with a name that the spec has, one is surely meant as a hole: an error. The others are warnings, since
`$filter` and `:batch` may be what a service wants.
"""

import re

from perfspec import steps as kinds
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.language.templates import Text
from perfspec.spec.model import Spec
from perfspec.steps.kinds import Request
from perfspec.steps.reading import Bind

__all__ = ["check"]

_HOLE = re.compile(r"[%$#]?\{\{?\s*(?P<in>[A-Za-z_][\w.]*)\s*\}\}?|(?<![\w$])[$:](?P<bare>[A-Za-z_]\w*)")


def check(spec: Spec, out: Diagnostics) -> None:
    """Report them in paths, queries and forms. `$id` and `:id` only where something is called `id`."""
    known = {data.name for data in spec.data}
    known |= {name.name for steps in spec.parts() for name in kinds.names(steps) if isinstance(name, Bind)}
    for steps in spec.parts():
        for request in kinds.requests(steps):
            for text in _texts(request):
                _check(text, known, out)


def _texts(request: Request) -> tuple[Text, ...]:
    return request.path, *(text for _, text in request.query), *(text for _, text in request.form or ())


def _check(text: Text, known: set[str], out: Diagnostics) -> None:
    for found in _HOLE.finditer(text.source):
        name = found["in"] or found["bare"]
        if found[0].startswith("${") and not found[0].startswith("${{"):
            continue
        if found["bare"] and name not in known:
            continue
        is_meant = found["in"] is not None and name.partition(".")[0] in known
        severity = Severity.ERROR if is_meant else Severity.WARNING
        message = f"`{found[0]}` is sent as it stands"
        out.add("PS243", message, text.at(*found.span()), f"write `${{{name}}}`", severity=severity)
