"""Why an expression has no value, in the words of the language: what Python says of it names Python's own types."""

import re
from collections.abc import Callable

from perfspec.language.functions import KINDS

__all__ = ["why"]

_SAID: tuple[tuple[re.Pattern[str], Callable[..., str]], ...] = (
    (re.compile(r"'(.+)' not supported between instances of '(\w+)' and '(\w+)'"),
     lambda operator, left, right: f"`{operator}` cannot stand between {_kind(left)} and {_kind(right)}"),
    (re.compile(r"'(\w+)' object is not subscriptable"), lambda kind: f"{_kind(kind)} has no parts"),
    (re.compile(r"(string|list|tuple) indices must be integers.*"),
     lambda kind: f"{_kind(kind)} has no parts with a name"),
    (re.compile(r"(string|list|tuple) index out of range"), lambda kind: f"{_kind(kind)} is shorter than that"),
    (re.compile(r"argument of type '(\w+)' is not .*"),
     lambda kind: f"`in` looks into lists, maps and texts, not {_kind(kind)}"),
    (re.compile(r"'in <string>' requires string as left operand, not (\w+)"),
     lambda kind: f"a text holds texts, not {_kind(kind)}"),
    (re.compile(r"(?:cannot use '\w+' as a dict key \()?unhashable type: '(\w+)'\)?"),
     lambda kind: f"{_kind(kind)} is no key of a map"),
)  # fmt: skip


def why(error: Exception) -> str:
    """`error`: one of those that expressions raise."""
    if isinstance(error, KeyError) and error.args:
        return f"`{error.args[0]}` has no value here"
    said = str(error)
    return next((words(*found.groups()) for form, words in _SAID if (found := form.fullmatch(said))), said)


def _kind(name: str) -> str:
    """Of a value, by the name of its Python type."""
    return KINDS.get(name, "a text" if name == "string" else "a map")
