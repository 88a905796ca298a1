"""Trees to functions. Only indexes into constants and names of this file reach generated source: no text of a spec
ever becomes code.

A generated function takes the names of the round (`v`) and returns bytes or a value. It raises LookupError, TypeError
or ValueError where the data does not fit.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import quote

import orjson

from perfspec.base import random
from perfspec.language import functions, templates
from perfspec.language.expressions import Binary, Call, Constant, Expression, Path, Unary, is_steady, paths
from perfspec.language.functions import FUNCTIONS
from perfspec.language.templates import Array, Body, Hole, Object, Template

__all__ = ["Encoding", "Generator", "as_text", "value_of"]

Encoding = Literal["url", "field", "header", "json text", "text"]
"""`url` leaves what is written around the holes as it is; a `field` is data as a whole, in a query or form."""
_ENCODERS = {
    "url": "enc_url",
    "field": "enc_url",
    "header": "enc_header",
    "json text": "enc_json_text",
    "text": "enc_text",
}
_WORD = re.compile(r"\w+")
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
_ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
FLAT = frozenset({"user.number", "round.number"})
"""Dotted names that stand in the round's names under their whole name."""


def as_text(x: object) -> str:
    """A value inside a longer text: as JSON would write it, but texts without quotes."""
    if type(x) is str:
        return x
    if type(x) is int:
        return str(x)
    if x is None or isinstance(x, (bool, dict, list)):
        return orjson.dumps(x).decode()
    return str(x)


def enc_text(x: object) -> bytes:
    return as_text(x).encode()


def enc_url(x: object) -> bytes:
    s = x if type(x) is str else as_text(x)
    return s.encode() if _SAFE.issuperset(s) else quote(s, safe="").encode()


def enc_header(x: object) -> bytes:
    """Raises ValueError where a value would break out of its header line."""
    s = x if type(x) is str else as_text(x)
    if "\r" in s or "\n" in s or "\0" in s:
        raise ValueError("a line break in a header value")
    try:
        return s.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError(f"a header cannot hold `{s[error.start]}`") from error


def enc_json_text(x: object) -> bytes:
    """Inside a longer JSON text: escaped, without quotes of its own."""
    if type(x) is int:
        return b"%d" % x
    return orjson.dumps(x if type(x) is str else as_text(x))[1:-1]


class Generator:
    """Builds one function: collects its constants, then compiles. `constants` are names known for the whole run.

    `place` is the address of what is being built. Whatever is drawn in an expression (`fresh`, `random`) is drawn by
    its place, so two places never draw the same, and a place draws the same again when unrelated parts change.
    """

    def __init__(self, constants: Mapping[str, object], place: str, *, in_loops: bool = True) -> None:
        """`in_loops`: is what is drawn to differ from pass to pass of the loops around?"""
        self.constants = constants
        self.place = place
        self._turn = "v.step" if in_loops else "0"
        self._sites: Counter[str] = Counter()
        self.names: dict[str, Any] = {
            "enc_url": enc_url,
            "enc_header": enc_header,
            "enc_json_text": enc_json_text,
            "enc_text": enc_text,
            "dumps": orjson.dumps,
            "add": functions.add,
            "subtract": functions.subtract,
            "multiply": functions.multiply,
            "divide": functions.divide,
            "draw": random.draw,
            "pick": functions.pick,
            "default": functions.default,
        }

    def constant(self, x: object) -> str:
        name = f"k{len(self.names)}"
        self.names[name] = x
        return name

    def expression(self, tree: Expression) -> str:
        """Python source of the expression's value."""
        match tree:
            case Constant(value=value):
                return self.constant(value)
            case Path():
                return self._path(tree)
            case Call():
                return self._call(tree)
            case Unary(operator="not", operand=operand):
                return f"(not {self.expression(operand)})"
            case Unary(operand=operand):
                return f"subtract({self.constant(0)}, {self.expression(operand)})"
            case Binary(operator=operator, left=left, right=right) if operator in _ARITHMETIC:
                return f"{_ARITHMETIC[operator]}({self.expression(left)}, {self.expression(right)})"
            case Binary(operator=operator, left=left, right=right):
                return f"({self.expression(left)} {operator} {self.expression(right)})"
        raise AssertionError(tree)

    def _call(self, call: Call) -> str:
        """Most functions are called as they are; these look at more than the values of their arguments."""
        match call:
            case Call(function="fresh", arguments=(Path() as name,)):
                site = self._site(f"fresh {name.root}")
                return f"v.again({self.constant(name.root)}, {site}, {self._turn})"
            case Call(function="random", arguments=(items,)):
                return f"pick({self.expression(items)}, draw(v.base, {self._site('random')}, {self._turn}))"
            case Call(function="default", arguments=(value, otherwise)):
                return f"default(lambda: {self.expression(value)}, lambda: {self.expression(otherwise)})"
        inner = ", ".join(map(self.expression, call.arguments))
        return f"{self.constant(FUNCTIONS[call.function].call)}({inner})"

    def _site(self, what: str) -> str:
        self._sites[what] += 1
        return self.constant(random.site(f"{self.place}.{what}#{self._sites[what]}"))

    def value(self, source: str) -> Callable[..., Any]:
        """A function of the names: one hole alone keeps its type, anything else is a text."""
        parts = templates.parse(source)
        if len(parts) == 1 and isinstance(parts[0], Hole):
            return self.function([f"return {self.expression(parts[0].tree)}"])
        arguments: list[str] = []
        pattern = self.text(source, "text", arguments)
        return self.function([f"return ({self.format(pattern, arguments)}).decode()"])

    def _path(self, path: Path) -> str:
        for n in range(len(path.parts), 0, -1):
            dotted = ".".join(str(p) for p in path.parts[:n])
            rest = "".join(f"[{self.constant(p)}]" for p in path.parts[n:])
            if dotted in self.constants:
                return self.constant(self.constants[dotted]) + rest
            if dotted in FLAT or n == 1:
                return f"v[{self.constant(dotted)}]{rest}"
        raise AssertionError(path)

    def is_constant(self, tree: Expression) -> bool:
        """The same in every round of the run: rendered once, when binding."""
        return is_steady(tree) and all(path.dotted in self.constants for path in paths(tree))

    def text(self, source: str, encoding: Encoding, arguments: list[str]) -> bytes:
        """A `%`-format of the template; the source of its holes is appended to `arguments`."""
        encoder = _ENCODERS[encoding]
        out = b""
        for part in templates.parse(source):
            if isinstance(part, str):
                out += self._literal(part, encoding)
            elif (rendered := self._rendered(part, encoder)) is not None:
                out += _escape(rendered)
            else:
                arguments.append(f"{encoder}({self.expression(part.tree)})")
                out += b"%b"
        return out

    def _rendered(self, hole: Hole, encoder: str) -> bytes | None:
        """A constant hole. None for any other, and where the value does not fit: then each request says so."""
        if not self.is_constant(hole.tree):
            return None
        try:
            rendered: bytes = self.names[encoder](value_of(hole, self.constants))
        except (LookupError, TypeError, ValueError):
            return None
        return rendered

    def _literal(self, part: str, encoding: Encoding) -> bytes:
        if encoding == "json text":
            return _escape(orjson.dumps(part)[1:-1])
        if encoding == "header":
            return _escape(enc_header(part))
        if encoding == "field":
            return _escape(enc_url(part))
        if encoding == "url":
            return _escape(quote(part, safe="/?&=%:;,@!$'()*+~-._[]").encode())
        return _escape(part.encode())

    def body(self, tree: Body, arguments: list[str]) -> bytes:
        """A `%`-format of a JSON body."""
        match tree:
            case Object(members=members):
                inner = (_escape(orjson.dumps(k)) + b":" + self.body(m, arguments) for k, m in members)
                return b"{" + b",".join(inner) + b"}"
            case Array(items=items):
                return b"[" + b",".join(self.body(i, arguments) for i in items) + b"]"
            case Template(text=text, typed=True):
                (hole,) = templates.holes(text.source)
                arguments.append(f"dumps({self.expression(hole.tree)})")
                return b"%b"
            case Template(text=text):
                return b'"' + self.text(text.source, "json text", arguments) + b'"'
        return _escape(orjson.dumps(tree.value))

    def kept(self, tree: Body) -> str:
        """Python source of a value that is kept, not sent: `${x}` alone keeps its type, in other text it is text."""
        match tree:
            case Object(members=members):
                return "{" + ", ".join(f"{self.constant(k)}: {self.kept(m)}" for k, m in members) + "}"
            case Array(items=items):
                return "[" + ", ".join(self.kept(i) for i in items) + "]"
            case Template(text=text, typed=True):
                (hole,) = templates.holes(text.source)
                return self.expression(hole.tree)
            case Template(text=text):
                arguments: list[str] = []
                pattern = self.text(text.source, "text", arguments)
                return f"({self.format(pattern, arguments)}).decode()"
        return self.constant(tree.value)

    def format(self, pattern: bytes, arguments: list[str]) -> str:
        """Python source of the filled pattern."""
        if not arguments:
            return self.constant(pattern.replace(b"%%", b"%"))
        return f"{self.constant(pattern)} % ({', '.join(arguments)},)"

    def function(self, lines: list[str], parameters: str = "v") -> Callable[..., Any]:
        """Compile; every constant in use is a default argument, which makes it a local of the function."""
        words = set(_WORD.findall("\n".join(lines)))
        head = f"def f({', '.join([parameters, *(f'{n}={n}' for n in self.names if n in words)])}):"
        space = dict(self.names)
        exec(compile("\n ".join([head, *lines]), "<generated>", "exec"), space)  # noqa: S102 - see the head of this file
        return space["f"]  # type: ignore[no-any-return]


def value_of(hole: Hole, names: Mapping[str, object]) -> object:
    """A hole's value with all its names known: `names` holds dotted names."""
    generator = Generator(names, "")
    return generator.function([f"return {generator.expression(hole.tree)}"])(names)


def _escape(literal: bytes) -> bytes:
    return literal.replace(b"%", b"%%")
