"""Where secrets may stand: in requests, as they are. Masking knows a secret by its text, so nothing else may be made of
one that a report could show.
"""

from collections.abc import Iterator

import msgspec

from perfspec import steps as kinds
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language import templates
from perfspec.language.expressions import Call, Path, parts
from perfspec.language.templates import Text
from perfspec.spec.model import Spec
from perfspec.steps.kinds import Request, Step

__all__ = ["check_secrets"]

DISGUISES = frozenset({"first", "join", "lower", "prefixes", "random", "split", "upper"})
"""Functions whose result still says something of a text, in words that masking does not know."""


def check_secrets(spec: Spec, out: Diagnostics) -> None:
    """Report tags that would write a secret into every report, and functions that would hide one from masking."""
    steps = [step for part in spec.parts() for step in kinds.walk(part)]
    requests = [request for step in steps if (request := kinds.request_of(step)) is not None]
    hidden = {c.name for request in requests for c in request.capture if c.capture.secret}
    for request in requests:
        _tags(request, hidden, out)
    for step in steps:
        for text in _texts(step):
            for call, path in _disguised(text):
                if path.root == "secret" or path.root in hidden:
                    message = f"nothing could mask what `{call.function}` makes of a secret"
                    fix = "send it as it is, or by `base64` or `sha256`; or give the environment the text that you need"
                    out.add("PS703", message, text.at(call.start, call.end), fix)


def _tags(request: Request, hidden: set[str], out: Diagnostics) -> None:
    for tag, text in request.tags:
        for path, span in text.reads():
            if path.root == "secret" or path.root in hidden:
                out.add("PS701", f"the tag `{tag}` would write a secret into every report", span, "tag something else")


def _texts(value: object) -> Iterator[Text]:
    """All that is written with holes in a step; the steps in it are not asked."""
    if isinstance(value, Text):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            if not isinstance(each, Step):
                yield from _texts(each)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _texts(getattr(value, name))


def _disguised(text: Text) -> Iterator[tuple[Call, Path]]:
    for hole in templates.holes(text.source):
        for call in parts(hole.tree):
            if isinstance(call, Call) and call.function in DISGUISES:
                yield from ((call, path) for path in parts(call) if isinstance(path, Path))
