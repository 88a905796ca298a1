"""Expressions that can only fail, whatever the data: `${1 / 0}`, `${upper(5)}`, `${bucket(n, 300, 50)}`."""

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language import templates
from perfspec.language.codegen import Generator
from perfspec.language.expressions import Binary, Call, Constant, Expression, Path, Unary, is_steady, paths
from perfspec.language.nodes import Scalar

__all__ = ["check", "reason"]


def check(scalar: Scalar, out: Diagnostics) -> None:
    """Report the holes of a text in which something can only fail."""
    for hole in templates.holes(scalar.text):
        if why := reason(hole.tree):
            inside = scalar.text[hole.start + 2 : hole.end - 1].strip()
            span = scalar.at(hole.start, hole.end)
            out.add("PS231", f"`{inside}` can only fail: {why}", span, "every request with it would be a failed one")


def reason(tree: Expression) -> str:
    """Why some part of a tree fails in every round; empty where it need not."""
    match tree:
        case Constant() | Path():
            return ""
        case _ if is_steady(tree) and not any(paths(tree)):
            return _failure(tree)
        case Call(function="default", arguments=(_, otherwise)):
            return reason(otherwise)
        case Call(function="bucket", arguments=(number, *bounds)) if all(isinstance(b, Constant) for b in bounds):
            return reason(number) or _failure(Call("bucket", (Constant(0), *bounds), tree.start, tree.end))
        case Call(arguments=arguments):
            return next(filter(None, map(reason, arguments)), "")
        case Unary(operand=operand):
            return reason(operand)
        case Binary(left=left, right=right):
            return reason(left) or reason(right)
    raise AssertionError(tree)


def _failure(tree: Expression) -> str:
    generator = Generator({}, "")
    try:
        generator.function([f"return {generator.expression(tree)}"])({})
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        return str(error)
    return ""
