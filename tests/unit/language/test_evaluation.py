"""What is compiled means what a small interpreter says of the same tree; what is printed is read as the same tree."""

import operator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.language.codegen import Generator
from perfspec.language.expressions import Binary, Call, Constant, Expression, ExpressionError, Path, Unary, parse
from perfspec.language.functions import FUNCTIONS

ALL = settings(derandomize=True, deadline=None, max_examples=400)
NAMES: dict[str, Any] = {
    "n": 7, "x": 2.5, "t": "Hello World", "e": "", "hits": [3, 1, 2], "row": {"id": 5}, "no": None, "yes": True,
}  # fmt: skip
BAD = (LookupError, TypeError, ValueError, OverflowError)
PLAIN = {
    "count": 1, "first": 1, "upper": 1, "lower": 1, "round": 1, "min": 2, "max": 2, "split": 2, "join": 2, "bucket": 3,
    "json": 1, "sha256": 1, "base64": 1, "default": 2, "prefixes": 3,
}  # fmt: skip

leaves = st.one_of(
    st.integers(0, 1000).map(Constant),
    st.sampled_from([0.5, 2.25, True, False, None, "a", "lo", ","]).map(Constant),
    st.sampled_from([(name,) for name in NAMES] + [("row", "id"), ("hits", 1), ("row", "no"), ("gone",)]).map(
        lambda parts: Path(parts, 0, 0)
    ),
)


def _deeper(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    operators = ["+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "in", "and", "or"]
    calls = st.sampled_from(sorted(PLAIN)).flatmap(
        lambda name: st.tuples(*[inner] * PLAIN[name]).map(lambda arguments: Call(name, arguments, 0, 0))
    )
    return st.one_of(
        st.builds(Binary, st.sampled_from(operators), inner, inner),
        st.builds(Unary, st.sampled_from(["-", "not"]), inner),
        calls,
    )


trees = st.recursive(leaves, _deeper, max_leaves=8)


def printed(tree: Expression) -> str:
    match tree:
        case Constant(value=str(text)):
            return f'"{text}"'
        case Constant(value=None | bool() as word):
            return {True: "true", False: "false", None: "null"}[word]
        case Constant(value=value):
            return repr(value)
        case Path(parts=parts):
            return str(parts[0]) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts[1:])
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(printed, arguments))})"
        case Unary(operator=op, operand=operand):
            return f"{op} ({printed(operand)})"
        case Binary(operator=op, left=left, right=right):
            return f"({printed(left)}) {op} ({printed(right)})"


def number(value: object) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) >= 10**300:
        raise TypeError(value)
    return value


COMPARE = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
           ">=": operator.ge, "in": lambda a, b: a in b}  # fmt: skip
RECKON = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def interpreted(tree: Expression) -> Any:  # noqa: C901, PLR0911, PLR0912 - a case for each kind of node
    match tree:
        case Constant(value=value):
            return value
        case Path(parts=parts):
            found: Any = NAMES
            for part in parts:
                found = found[part]
            return found
        case Call(function="default", arguments=(value, otherwise)):
            try:
                kept = interpreted(value)
            except LookupError:
                kept = None
            return interpreted(otherwise) if kept is None else kept
        case Call(function=function, arguments=arguments):
            return FUNCTIONS[function].call(*map(interpreted, arguments))
        case Unary(operator="not", operand=operand):
            return not interpreted(operand)
        case Unary(operand=operand):
            return -number(interpreted(operand))
        case Binary(operator="and", left=left, right=right):
            return interpreted(left) and interpreted(right)
        case Binary(operator="or", left=left, right=right):
            return interpreted(left) or interpreted(right)
        case Binary(operator=op, left=left, right=right) if op in RECKON:
            a, b = interpreted(left), interpreted(right)
            if op == "/" and number(b) == 0:
                raise ValueError(op)
            return RECKON[op](number(a), number(b))
        case Binary(operator=op, left=left, right=right):
            return COMPARE[op](interpreted(left), interpreted(right))


def outcome(reckon: Any) -> object:
    """The value, or that there is none: which of the errors came first does not matter."""
    try:
        return repr(reckon())
    except BAD:
        return None


@ALL
@given(trees)
def test_compiled_and_interpreted_agree(tree: Expression) -> None:
    generator = Generator({}, "here")
    compiled = generator.function([f"return {generator.expression(tree)}"])
    assert outcome(lambda: compiled(NAMES)) == outcome(lambda: interpreted(tree))


@ALL
@given(trees)
def test_what_is_printed_is_read_as_the_same(tree: Expression) -> None:
    try:
        again = parse(printed(tree))
    except ExpressionError as error:
        assert "at most" in error.message  # noqa: PT017 - too long or too deep, and nothing else
        return
    assert printed(again) == printed(tree)
    assert outcome(lambda: interpreted(again)) == outcome(lambda: interpreted(tree))
