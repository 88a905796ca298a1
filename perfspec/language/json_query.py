"""JSON paths that reach far (`..`, filters, lists of selectors): jsonpath-rfc9535, with RE2 behind its `match`."""

import re

from iregexp_check import check
from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError, JSONPathQuery
from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction

from perfspec.language.patterns import Pattern, PatternError, compile_pattern

__all__ = ["compile_query", "find"]

_MOST_PATTERNS = 128
_ATOM = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\.", re.DOTALL)


class _Matches(FilterFunction):
    """A pattern may come from the answer itself, so what is compiled is kept, but not for ever."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012 - as its base declares it
    return_type = ExpressionType.LOGICAL

    def __init__(self, whole: str) -> None:
        self._whole = whole
        self._compiled: dict[str, Pattern | None] = {}

    def __call__(self, text: object, pattern: object) -> bool:
        if not isinstance(text, str) or not isinstance(pattern, str):
            return False
        found = self._pattern(pattern)
        return found is not None and found.search(text.encode(errors="replace"))

    def _pattern(self, pattern: str) -> Pattern | None:
        """None for what is no pattern: it matches nothing."""
        if pattern not in self._compiled:
            if len(self._compiled) >= _MOST_PATTERNS:
                self._compiled.clear()
            try:
                whole = self._whole.format(_mapped(pattern))
                self._compiled[pattern] = compile_pattern(whole) if check(pattern) else None
            except PatternError:
                self._compiled[pattern] = None
        return self._compiled[pattern]


def _mapped(pattern: str) -> str:
    """The dot of I-Regexp matches no line end of either kind."""
    return _ATOM.sub(lambda atom: r"[^\n\r]" if atom[0] == "." else atom[0], pattern)


class _Environment(JSONPathEnvironment):
    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _Matches(r"\A(?:{})\z")
        self.function_extensions["search"] = _Matches("(?:{})")


_environment = _Environment()


def compile_query(text: str) -> JSONPathQuery:
    """Raises ValueError with what is wrong."""
    try:
        return _environment.compile(text)
    except JSONPathError as error:
        raise ValueError(str(error.args[0] if error.args else error).partition(" (")[0].lower()) from error
    except RecursionError as error:
        raise ValueError("the path is nested too deep") from error


def find(query: JSONPathQuery, value: object) -> list[object]:
    """All values that the path reaches; none where the answer is nested too deep to be searched."""
    try:
        return list(query.find(value).values())  # type: ignore[arg-type]  # whatever JSON holds
    except (JSONPathError, RecursionError):
        return []
