"""Rules: the few limits that a table cannot say, as a comparison of measured numbers.

    rule     = or ;  or = and {"or" and} ;  and = not {"and" not} ;  not = ["not"] compare
    compare  = sum [("<"|"<="|">"|">="|"=="|"!=") sum] ;  sum = term {("+"|"-") term} ;  term = unary {("*"|"/") unary}
    unary    = ["-"] (QUANTITY | MEASURE "(" ROW ")" | "(" or ")")

A ROW is the text between the brackets, as in the table: `generate where model is gpt-4`. Units are checked: times are
added to times, and only a plain number multiplies. Arithmetic is exact.
"""

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Scalar
from perfspec.language.quantities import MAX_PHRASE, Said, nearly, parse_quantity, shorten
from perfspec.language.timers import unit_of

__all__ = ["DivisionByZero", "Measure", "Tree", "evaluate", "measures", "parse_rule", "parse_rule_text", "rule_tree"]

Unit: TypeAlias = Literal["time", "share", "rate", "size", "number", "truth"]
UNITS: dict[str, Unit] = {"mean": "time", "max": "time", "count": "number", "errors": "share", "rate": "rate"}
PERCENTILE = re.compile(r"p\d+(?:\.\d+)?")
WORDS: dict[Unit, str] = {"time": "a time", "share": "a percentage", "rate": "a rate", "size": "a size",
                          "number": "a number", "truth": "a comparison"}  # fmt: skip
_KNOWN = ("p95", *UNITS)
_MAX_DEPTH = 20
_LIMIT_WORDS = ("under", "at", "over", "between")
_COMPARE = "a rule compares with `<`, `<=`, `>` or `>=`"
_WARN_ONLY = re.compile(r"\s*,\s*warn only\s*$")
_TOKEN = re.compile(
    r"\s*(?:(?P<measure>[A-Za-z][\w.]*(?: [A-Za-z][\w.]*)?)\s*\(|(?P<amount>\d(?:[\w.%/]|,(?=\d))*)"
    r"|(?P<word>[A-Za-z_][\w-]*)|(?P<op><=|>=|==|!=|[-+*/()<>])|(?P<end>$)|(?P<bad>.))",
    re.DOTALL,
)
_UNIT_APART = re.compile(r" +(?:%|[A-Za-z]+)(?!\w| *\()")
_LOOSE: Final = 0
_LEVELS = {"or": 1, "and": 2, **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 4), "+": 5, "-": 5, "*": 6, "/": 6}


@dataclass(frozen=True, slots=True)
class Measure:
    """`p95(generate where model is gpt-4)`, `tokens mean(all)`: a cell of a row; `rate` is requests a second."""

    cell: str
    row: str
    start: int
    end: int

    @property
    def unit(self) -> Unit:
        timer, _, last = self.cell.rpartition(" ")
        unit = "time" if PERCENTILE.fullmatch(last) else UNITS[last]
        return unit_of(timer) if unit == "time" else unit

    def __str__(self) -> str:
        return f"{self.cell}({self.row})"


@dataclass(frozen=True, slots=True)
class Amount:
    value: Fraction
    unit: Unit


@dataclass(frozen=True, slots=True)
class Operation:
    """`not` and a leading minus have no left side."""

    operator: str
    left: "Tree | None"
    right: "Tree"
    unit: Unit


Tree: TypeAlias = Measure | Amount | Operation


class DivisionByZero(ArithmeticError):
    """A rule divides by a number that turned out to be nothing."""


class _RuleError(Exception):
    def __init__(self, code: str, message: str, start: int, end: int, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint


def parse_rule(scalar: Scalar, out: Diagnostics) -> Tree | None:
    """A rule; None without a finding where it holds `${...}` and can be read only once values are known."""
    return None if "${" in scalar.text else parse_rule_text(scalar.text, scalar.content, out)


def parse_rule_text(text: str, span: Span, out: Diagnostics) -> Tree | None:
    """A rule whose values are filled in. `span` is where it was written."""
    said = Said(text, span)
    if len(text) > MAX_PHRASE:
        out.add("PS610", "this is too long for a rule", span, "split it in two")
        return None
    try:
        return rule_tree(text)
    except _RuleError as error:
        start = min(error.start, max(len(text) - 1, 0))  # what is missing at the end is shown at the last character
        out.add(error.code, error.message, said.at(start, min(error.end, len(text))), error.hint)
        return None


@lru_cache(maxsize=256)
def rule_tree(text: str) -> Tree:
    """The tree of a rule that is known to be one, with or without `, warn only`."""
    return _Parser(_WARN_ONLY.sub("", text)).rule()


def measures(tree: Tree) -> Iterator[Measure]:
    """What has to be measured for a rule, in the order written."""
    if isinstance(tree, Measure):
        yield tree
    elif isinstance(tree, Operation):
        if tree.left is not None:
            yield from measures(tree.left)
        yield from measures(tree.right)


def evaluate(tree: Tree, value: Callable[[Measure], Fraction]) -> Fraction:
    """The number that a tree stands for; a truth is 1 or 0. Raises DivisionByZero."""
    if isinstance(tree, Measure):
        return value(tree)
    if isinstance(tree, Amount):
        return tree.value
    right = evaluate(tree.right, value)
    if tree.left is None:
        return Fraction(not right) if tree.operator == "not" else -right
    return _apply(tree.operator, evaluate(tree.left, value), right)


_OPERATIONS: dict[str, Callable[[Fraction, Fraction], Fraction | bool]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "and": lambda a, b: bool(a and b),
    "or": lambda a, b: bool(a or b),
}


def _apply(operator: str, left: Fraction, right: Fraction) -> Fraction:
    if operator == "/":
        if right == 0:
            raise DivisionByZero
        return left / right
    return Fraction(_OPERATIONS[operator](left, right))


class _Parser:
    """Precedence climbing over the tokens of one rule. Raises _RuleError."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.begun = 0
        """Where the token begins that is looked at."""
        self.kind = self.token = ""
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.at)
        assert match is not None  # the last alternatives match anything
        self.kind = str(match.lastgroup)
        self.token, self.begun, self.at = match[self.kind], match.start(self.kind), match.end()
        if self.kind == "measure" and (keyword := re.fullmatch(r"(and|or|not)( .*)?", self.token)):
            # `not (`, `and p95(`: a word of its own in front
            self.kind, self.token, self.at = "word", keyword[1], self.begun + len(keyword[1])

    def fail(self, message: str, hint: str) -> _RuleError:
        """What is wrong with the token that is looked at."""
        start = max(min(self.begun, len(self.text) - 1), 0)
        return _RuleError("PS610", message, start, max(self.begun + len(self.token), start + 1), hint)

    def rule(self) -> Tree:
        start = self.begun
        tree = self.expression(_LOOSE, 0)
        if self.kind != "end":
            hint = _COMPARE if self.token in _LIMIT_WORDS else "an operator belongs here, or the end"
            raise self.fail(f"`{shorten(self.token)}` is not expected here", hint)
        if tree.unit != "truth":
            message = f"a rule compares, and this is {WORDS[tree.unit]}"
            raise _RuleError("PS610", message, start, len(self.text), "write for example `p95(a) < 2 * p95(b) + 100ms`")
        if not any(measures(tree)):
            raise _RuleError("PS610", "a rule measures something", start, len(self.text), "write `p95(ROW) < ...`")
        return tree

    def expression(self, level: int, depth: int) -> Tree:
        if depth > _MAX_DEPTH:
            raise self.fail(f"a rule nests at most {_MAX_DEPTH} deep", "split it in two")
        start = self.begun
        left = self.prefix(depth)
        compared = False
        while self.kind in ("op", "word") and _LEVELS.get(self.token, 0) > level:
            operator = self.token
            if _LEVELS[operator] == 4 and compared:
                raise self.fail("comparisons cannot be chained", "join two with `and`")
            compared = compared or _LEVELS[operator] == 4
            self.advance()
            right = self.expression(_LEVELS[operator], depth + 1)
            left = Operation(operator, left, right, self.unit_of(operator, left.unit, right.unit, start))
        return left

    def prefix(self, depth: int) -> Tree:
        if self.kind == "measure":
            return self.measure()
        if self.kind == "amount":
            return self.amount()
        if (self.kind, self.token) in (("word", "not"), ("op", "-")):
            operator, start = self.token, self.begun
            self.advance()
            right = self.expression(3 if operator == "not" else 6, depth + 1)
            if (operator == "not") != (right.unit == "truth"):
                raise self.misfit(f"`{operator}` cannot stand before {WORDS[right.unit]}", start, "compare first")
            return Operation(operator, None, right, right.unit)
        if self.token == "(" and self.kind == "op":
            self.advance()
            inner = self.expression(_LOOSE, depth + 1)
            if self.token != ")":
                raise self.fail("`)` is missing", "write `)`")
            self.advance()
            return inner
        if self.kind == "end":
            raise self.fail("something is missing at the end", "write a measure, `p95(ROW)`, or an amount, 1s")
        raise self.fail(f"`{shorten(self.token)}` has no meaning in a rule", _hint(self.token))

    def measure(self) -> Measure:
        """The row is everything up to the bracket that closes it."""
        cell, start = " ".join(self.token.split()), self.begun
        last = cell.rpartition(" ")[2]
        if not PERCENTILE.fullmatch(last) and last not in UNITS:
            near = difflib.get_close_matches(last, _KNOWN, 1)
            there = ", ".join(f"`{name}(ROW)`" for name in _KNOWN)
            hint = f"did you mean `{near[0]}`?" if near else f"there is {there}"
            raise self.fail(f"a rule cannot measure `{cell}`", hint)
        depth, end = 1, self.at
        while depth and end < len(self.text):
            depth += {"(": 1, ")": -1}.get(self.text[end], 0)
            end += 1
        if depth:
            raise _RuleError("PS610", "`)` is missing behind the row", start, len(self.text), "write `)`")
        row = self.text[self.at : end - 1].strip()
        if not row:
            raise _RuleError("PS610", f"`{cell}` needs a row", start, end, f"write `{cell}(all)`")
        self.at = end
        self.advance()
        return Measure(cell, row, start, end)

    def amount(self) -> Amount:
        quantity = parse_quantity(self.token)
        if quantity is None:
            near = nearly(self.token)
            raise self.fail(f"`{self.token}` is no amount", f"write `{near}`" if near else "write 300ms, 5%, 20/s or 4")
        if quantity.unit not in ("time", "share", "rate", "size", "number"):
            hint = "a rule knows times, percentages, rates, sizes and numbers"
            raise self.fail(f"`{self.token}` does not fit a rule", hint)
        if (apart := _UNIT_APART.match(self.text, self.at)) and (near := nearly(self.token + apart[0])):
            message = f"`{self.token}{apart[0]}` is no amount"
            raise _RuleError("PS610", message, self.begun, apart.end(), f"write `{near}`")
        self.advance()
        return Amount(quantity.value, quantity.unit)

    def unit_of(self, operator: str, left: Unit, right: Unit, start: int) -> Unit:
        """The unit of an operation. Raises _RuleError where its sides do not fit."""
        if operator in ("and", "or"):
            if left == right == "truth":
                return "truth"
            raise self.misfit(f"`{operator}` joins comparisons", start, "write `p95(a) < 1s and p95(b) < 1s`")
        if "truth" in (left, right):
            raise self.misfit(f"`{operator}` cannot take a comparison", start, "join two comparisons with `and`")
        if operator == "*":
            if "number" in (left, right) or "share" in (left, right):
                factor = "number" if "number" in (left, right) else "share"
                return right if left == factor else left
            message = f"{WORDS[left]} times {WORDS[right]} is nothing that a rule knows"
            raise self.misfit(message, start, "multiply by a number")
        if operator == "/" and right == "number":
            return left
        if left == right:
            return "number" if operator == "/" else left if operator in "+-" else "truth"
        what = "divide" if operator == "/" else "add" if operator in "+-" else "compare"
        message = f"`{operator}` stands between {WORDS[left]} and {WORDS[right]}"
        raise self.misfit(message, start, f"{what} what has the same unit, such as 1s with a time or 5% with errors")

    def misfit(self, message: str, start: int, hint: str) -> _RuleError:
        """What does not fit, from there up to where we are."""
        end = len(self.text[: self.begun].rstrip())
        return _RuleError("PS611", message, start, max(end, start + 1), hint)


def _hint(token: str) -> str:
    if token == "=":
        return "write `==`"
    return "a rule is made of measures such as `p95(ROW)`, amounts such as 1s, and + - * / < <= > >= and or not"
