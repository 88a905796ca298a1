"""What is told of a request that failed, in words: which step it was, and its line."""

from perfspec.steps.runtime import Call, Vars

__all__ = ["BAD_DATA", "note", "told", "why_unsendable"]

BAD_DATA = (ValueError, TypeError, LookupError)
"""What a template raises over bad data: a name without a value, a line break in a header, a text that is no number."""


def told(call: Call, text: object) -> str:
    """`cart (shop.yaml:31): a number is needed here, not a text`."""
    return f"{call.name} ({call.where}): {text}" if call.where else f"{call.name}: {text}"


def note(first_errors: dict[str, str], kind: str, call: Call, text: str, names: Vars) -> None:
    """Keep it if it is the first of its kind: what a service or the data said may be a secret of this round."""
    if kind not in first_errors:
        first_errors[kind] = call.conceal(told(call, text), names)


def why_unsendable(error: Exception) -> str:
    """Why no request could be made of the data."""
    return f"`{error.args[0]}` has no value here" if isinstance(error, KeyError) and error.args else str(error)
