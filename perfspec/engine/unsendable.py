"""Why no request could be made of the data, in words, with the line of the step."""

from perfspec.steps.runtime import Call

__all__ = ["BAD_DATA", "why_unsendable"]

BAD_DATA = (ValueError, TypeError, LookupError)
"""What a template raises over bad data: a name without a value, a line break in a header, a text that is no number."""


def why_unsendable(call: Call, error: Exception) -> str:
    """`cart (shop.yaml:31): a number is needed here, not a text`."""
    where = f" ({call.where})" if call.where else ""
    if isinstance(error, KeyError) and error.args:
        return f"{call.name}{where}: `{error.args[0]}` has no value here"
    return f"{call.name}{where}: {error}"
