"""What stands inside `${ }`: tokens -> tree. A Pratt parser over the grammar of the language; no Python is ever
evaluated.

    or < and < not < comparison < + - < * / < unary minus < literal, path, call, ( )

A path reaches into maps and lists only. Bounds: 500 characters, depth 20, 100 operators. Positions are offsets
into the text parsed, so that a finding can point at the one wrong word.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from perfspec.language.functions import FUNCTIONS, INVENTED, UNSTEADY

__all__ = [
    "Binary",
    "Call",
    "Constant",
    "Expression",
    "ExpressionError",
    "Path",
    "Unary",
    "is_steady",
    "parse",
    "parts",
    "paths",
]

MAX_LENGTH = 500
MAX_DEPTH = 20
MAX_OPERATORS = 100

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<op>==|!=|<=|>=|[-+*/<>()\[\].,}])|(?P<end>$)|(?P<bad>.))",
    re.DOTALL,
)
_WORDS = {"true": True, "false": False, "null": None}
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_LEVELS = {"or": 1, "and": 2, **dict.fromkeys(_COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6}


class ExpressionError(Exception):
    """What is wrong, where (offsets into the text), and how to put it right."""

    def __init__(self, message: str, start: int, end: int, hint: str = "", code: str = "PS305") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint
        self.code = code


@dataclass(frozen=True, slots=True)
class Constant:
    value: None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class Path:
    """`phrase.text`, `rows[0].id`: a name and the steps into it."""

    parts: tuple[str | int, ...]
    start: int
    end: int
    is_fresh: bool = False
    """Inside `fresh( )`: drawn again, not read."""
    may_miss: bool = False
    """Inside `default( )`: it need not have a value."""

    @property
    def root(self) -> str:
        return str(self.parts[0])

    @property
    def dotted(self) -> str:
        return ".".join(str(p) for p in self.parts)


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple["Expression", ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: "Expression"
    right: "Expression"


Expression = Constant | Path | Call | Unary | Binary


def parts(tree: Expression) -> Iterator[Expression]:
    """An expression and all in it, in the order written."""
    yield tree
    match tree:
        case Call(arguments=arguments):
            for argument in arguments:
                yield from parts(argument)
        case Unary(operand=operand):
            yield from parts(operand)
        case Binary(left=left, right=right):
            yield from parts(left)
            yield from parts(right)


def paths(tree: Expression) -> Iterator[Path]:
    """Every name the expression reads, in the order written."""
    return (part for part in parts(tree) if isinstance(part, Path))


def _forgiven(tree: Expression) -> Expression:
    """The tree with names that need no value."""
    match tree:
        case Path():
            return replace(tree, may_miss=True)
        case Call(arguments=arguments):
            return replace(tree, arguments=tuple(map(_forgiven, arguments)))
        case Unary(operand=operand):
            return replace(tree, operand=_forgiven(operand))
        case Binary(left=left, right=right):
            return replace(tree, left=_forgiven(left), right=_forgiven(right))
    return tree


def is_steady(tree: Expression) -> bool:
    """The same for the same names, whenever and wherever it is reckoned."""
    match tree:
        case Call(function=function, arguments=arguments):
            return function not in UNSTEADY and all(map(is_steady, arguments))
        case Unary(operand=operand):
            return is_steady(operand)
        case Binary(left=left, right=right):
            return is_steady(left) and is_steady(right)
    return True


def parse(text: str) -> Expression:
    """The tree of an expression that fills `text`. Raises ExpressionError."""
    tree, end = parse_prefix(text, 0)
    if end != len(text):
        raise ExpressionError("the expression ends before this `}`", end, end + 1, "remove `}`")
    return tree


@lru_cache(maxsize=4096)
def parse_prefix(text: str, start: int) -> tuple[Expression, int]:
    """The tree of the expression that begins at `start`, and the offset of the `}` or end of text behind it.

    Raises ExpressionError.
    """
    parser = _Parser(text, start)
    tree = parser.expression(0, 0)
    kind, token, at, end = parser.token
    if kind != "end" and token != "}":
        hint = _OTHER_WORDS.get(token, "an operator or the closing `}` belongs here")
        raise ExpressionError(f"`{token}` is not expected here", at, end, hint)
    return tree, at


class _Parser:
    __slots__ = ("at", "first", "operators", "text", "token")

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.operators = 0
        self.at = start
        self.first = start
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.at)
        assert match is not None  # the last alternatives match anything
        kind = str(match.lastgroup)
        token, start, end = match[kind], match.start(kind), match.end(kind)
        if end - self.first > MAX_LENGTH:
            raise ExpressionError(
                f"an expression has at most {MAX_LENGTH} characters", self.first, end, "split it with `set`"
            )
        if kind == "bad":
            hint = _SYMBOLS.get(token, "allowed are names, numbers, quoted text, + - * / == != < <= > >= and or not in")
            raise ExpressionError(f"`{token}` has no meaning in an expression", start, end, hint)
        self.token = (kind, token, start, end)
        self.at = end

    def accept(self, op: str) -> bool:
        if self.token[0] == "op" and self.token[1] == op:
            self.advance()
            return True
        return False

    def expect(self, op: str) -> int:
        """Returns the offset behind the operator."""
        kind, token, start, end = self.token
        if not self.accept(op):
            found = "the end" if kind == "end" else f"`{token}`"
            raise ExpressionError(f"`{op}` is missing before {found}", start, max(end, start + 1), f"write `{op}`")
        return end

    def operator(self) -> str | None:
        kind, token, _, _ = self.token
        return token if token in _LEVELS and kind in ("op", "name") else None

    def expression(self, level: int, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"an expression nests at most {MAX_DEPTH} deep", self.token[2], self.token[3])
        left = self.prefix(depth)
        compared = False
        while (op := self.operator()) is not None and _LEVELS[op] > level:
            _, token, start, end = self.token
            if op in _COMPARISONS and compared:
                raise ExpressionError(
                    f"comparisons cannot be chained with `{token}`", start, end, "join two with `and`"
                )
            compared = op in _COMPARISONS
            self.operators += 1
            if self.operators > MAX_OPERATORS:
                raise ExpressionError(f"an expression has at most {MAX_OPERATORS} operators", start, end)
            self.advance()
            left = Binary(op, left, self.expression(_LEVELS[op], depth + 1))
        return left

    def prefix(self, depth: int) -> Expression:
        kind, token, start, end = self.token
        if kind == "end" or token == "}":
            raise ExpressionError("something is missing here", start, max(end, start + 1), "write a name or a value")
        self.advance()
        if kind == "number":
            return Constant(float(token) if "." in token else int(token))
        if kind == "text":
            return Constant(token[1:-1])
        if kind == "name":
            return self.name(token, start, end, depth)
        if token == "-":
            return Unary("-", self.expression(6, depth + 1))
        if token == "(":
            inner = self.expression(0, depth + 1)
            self.expect(")")
            return inner
        hint = "write a name or a value"
        if token == ">" and self.text[:start].endswith("<"):
            token, start, hint = "<>", start - 1, "write `!=`"
        raise ExpressionError(f"`{token}` cannot begin a value", start, end, hint)

    def name(self, word: str, start: int, end: int, depth: int) -> Expression:
        if word in _WORDS:
            return Constant(_WORDS[word])
        if word == "not":
            return Unary("not", self.expression(3, depth + 1))
        if word in ("and", "or", "in"):
            raise ExpressionError(f"`{word}` needs a value on both sides", start, end)
        if self.token[1] == "(" and self.token[0] == "op":
            return self.call(word, start, end, depth)
        return self.path(word, start, end)

    def call(self, word: str, start: int, end: int, depth: int) -> Call:
        function = FUNCTIONS.get(word)
        if function is None:
            near = difflib.get_close_matches(word, FUNCTIONS, 1)
            hint = f"did you mean `{near[0]}`?" if near else "there are " + ", ".join(sorted(FUNCTIONS))
            hint = INVENTED.get(word) or INVENTED.get(word.lower()) or hint
            raise ExpressionError(f"there is no function `{word}`", start, end, hint, "PS302")
        self.expect("(")
        arguments: list[Expression] = []
        if not self.accept(")"):
            arguments.append(self.expression(0, depth + 1))
            while self.accept(","):
                arguments.append(self.expression(0, depth + 1))
            self.expect(")")
        if not function.fewest <= len(arguments) <= function.most:
            raise ExpressionError(
                f"`{word}` takes {function.takes}", start, end, f"write `{function.example}`", "PS302"
            )
        if word == "fresh":
            name = arguments[0]
            if not isinstance(name, Path) or len(name.parts) > 1:
                hint = f"write `{function.example}`"
                raise ExpressionError("`fresh` takes the name of a data generator", start, end, hint, "PS302")
            arguments = [replace(name, is_fresh=True)]
        elif word == "default":
            arguments = [_forgiven(arguments[0]), arguments[1]]
        return Call(word, tuple(arguments), start, end)

    def path(self, word: str, start: int, end: int) -> Path:
        parts: list[str | int] = [word]
        while True:
            if self.accept("."):
                kind, token, at, stop = self.token
                if kind != "name":
                    raise ExpressionError("a name belongs behind the dot", at, max(stop, at + 1))
                parts.append(token)
                end = stop
                self.advance()
            elif self.accept("["):
                kind, token, at, stop = self.token
                if kind not in ("number", "text") or ("." in token and kind == "number"):
                    raise ExpressionError('`[ ]` takes a whole number or a "name"', at, max(stop, at + 1))
                parts.append(int(token) if kind == "number" else token[1:-1])
                self.advance()
                end = self.expect("]")
            else:
                return Path(tuple(parts), start, end)


_SYMBOLS = {
    "=": "write `==` to compare",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "{": "`${` opens once; inside it names stand alone",
    "$": "inside `${ }` names stand without `$`",
    "%": "write the share as a number, 0.05",
    "?": "use `when` and `otherwise`",
    '"': 'the text has no closing `"`',
    "'": "the text has no closing `'`",
}
_OTHER_WORDS = {
    "is": "write `== null`, or `!= null` for its opposite",
    "exists": "write `!= null`",
    "equals": "write `==`",
}
"""Operators of other languages."""
