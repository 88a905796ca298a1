"""What is told of a request that failed, in words: which step it was, and its line.

Of each kind the first text of each step is kept, of three steps at most: one that is loud hides no other.
"""

import re
from collections.abc import Iterable, Mapping

from perfspec.language.failures import why
from perfspec.steps.runtime import Call, Vars

__all__ = ["BAD_DATA", "all_of", "kind_of_key", "note", "told", "why"]

MOST_STEPS = 3
_NUMBER = "\0"
_STEP = re.compile(r".*? \([^()]*:\d+\): |.*?: |", re.DOTALL)
"""How a text begins that is told of a step; there may be a colon in its name, too."""
BAD_DATA = (ValueError, TypeError, LookupError)
"""What a template raises over bad data: a name without a value, a line break in a header, a text that is no number."""


def told(call: Call, text: object) -> str:
    """`cart (shop.yaml:31): a number is needed here, not a text`."""
    return f"{call.name} ({call.where}): {text}" if call.where else f"{call.name}: {text}"


def note(first_errors: dict[str, str], kind: str, call: Call, text: str, names: Vars | None = None) -> None:
    """Keep the first of its kind. `names`: of the round, where what was said may be a secret of it."""
    key = _free(first_errors, kind, told(call, ""))
    if key:
        first_errors[key] = told(call, text) if names is None else call.conceal(told(call, text), names)


def all_of(several: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What several have kept, as if one had."""
    found: dict[str, str] = {}
    for first_errors in several:
        for known, text in first_errors.items():
            step = _STEP.match(text)
            assert step is not None  # the last of its branches takes any text
            if key := _free(found, kind_of_key(known), step[0] or text):
                found[key] = text
    return found


def kind_of_key(key: str) -> str:
    """Which error kind a text is about."""
    return key.partition(_NUMBER)[0]


def _free(first_errors: Mapping[str, str], kind: str, step: str) -> str:
    """The key for a text about this step; empty if there is one already, or there are enough."""
    for number in range(MOST_STEPS):
        key = f"{kind}{_NUMBER}{number}" if number else kind
        if key not in first_errors:
            return key
        if first_errors[key].startswith(step):
            return ""
    return ""
