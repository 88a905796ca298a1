"""Instants as texts: seconds since 1970 and the few directives of `strftime` that mean the same on every machine."""

import re
from datetime import UTC, datetime
from typing import Final

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language.nodes import Scalar

__all__ = ["check_format", "formatted"]

MAX_FORMAT: Final = 100
_DIRECTIVES: Final = "YmdHMSfjyaAbBpIZz%"
_WRONG = re.compile(rf"%(?![{_DIRECTIVES}])")
_LATEST: Final = 253_402_300_799
"""The last second of the year 9999."""


def formatted(seconds: float, form: str) -> str | int:
    """An instant in UTC. Without a form as ISO 8601 with milliseconds. Raises ValueError for what is no instant."""
    if form == "seconds":
        return int(seconds)
    if form == "milliseconds":
        return int(seconds * 1000)
    if not 0 <= seconds <= _LATEST:
        raise ValueError("an instant lies between 1970 and 9999")
    if len(form) > MAX_FORMAT or _WRONG.search(form):
        raise ValueError("this is no form of a date")
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime(form) if form else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def check_format(scalar: Scalar, out: Diagnostics) -> bool:
    """Report a form that no date can have."""
    text = scalar.text
    if text in ("seconds", "milliseconds"):
        return True
    wrong = _WRONG.search(text)
    if len(text) <= MAX_FORMAT and wrong is None and "%" in text:
        return True
    if wrong:
        directive = text[wrong.start() : wrong.start() + 2]
        span = scalar.at(wrong.start(), wrong.start() + len(directive))
        out.add("PS234", f"`{directive}` stands for nothing in a date", span, "write for example `%Y-%m-%d %H:%M:%S`")
    else:
        hint = "write for example `%Y-%m-%d`, `seconds` or `milliseconds`"
        out.add("PS234", "`format` needs a form of a date", scalar.span, hint)
    return False
