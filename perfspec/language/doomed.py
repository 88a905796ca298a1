"""Expressions that can only fail, whatever the data: `${1 / 0}`, `${upper(5)}`, `${bucket(n, 300, 50)}`.

Of names that stand for a number or a text in any case it is enough to try some of their values: `${n / 0}`,
`${upper(n)}` and `${n.column}` fail for all of them.
"""

from collections.abc import Mapping
from itertools import product
from math import prod

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language import templates
from perfspec.language.codegen import Generator
from perfspec.language.expressions import Binary, Call, Constant, Expression, Path, Unary, is_steady, paths
from perfspec.language.nodes import Scalar

__all__ = ["Samples", "check", "reason"]

Samples = Mapping[str, tuple[object, ...]]
"""Some values of each name whose kind is known."""
_NONE: Samples = {}
_MOST_CASES = 64


def check(scalar: Scalar, out: Diagnostics, samples: Samples = _NONE) -> None:
    """Report the holes of a text in which something can only fail."""
    for hole in templates.holes(scalar.text):
        if why := reason(hole.tree, samples):
            inside = scalar.text[hole.start + 2 : hole.end - 1].strip()
            span = scalar.at(hole.start, hole.end)
            out.add("PS231", f"`{inside}` can only fail: {why}", span, "every request with it would be a failed one")


def reason(tree: Expression, samples: Samples = _NONE) -> str:
    """Why some part of a tree fails in every round; empty where it need not."""
    match tree:
        case Constant():
            return ""
        case Path():
            return _parts(tree, samples)
        case Call(function="default", arguments=(_, otherwise)) if any(paths(tree)):
            return reason(otherwise, samples)
        case _ if is_steady(tree) and all(path.root in samples for path in paths(tree)):
            return _failure(tree, samples)
        case Binary(operator="/", right=Constant(value=0)):
            return "division by zero"
    parts = _bounded(tree, samples) or (reason(each, samples) for each in _below(tree))
    return next(filter(None, parts), "")


def _below(tree: Expression) -> tuple[Expression, ...]:
    match tree:
        case Call(arguments=arguments):
            return arguments
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return left, right
    return ()


def _bounded(tree: Expression, samples: Samples) -> tuple[str, ...]:
    """Of a `bucket` with bounds that are known: any number will do to try them."""
    match tree:
        case Call(function="bucket", arguments=(number, *bounds)) if all(isinstance(b, Constant) for b in bounds):
            bucket = Call("bucket", (Constant(0), *bounds), tree.start, tree.end)
            return reason(number, samples), _failure(bucket, _NONE)
    return ()


def _parts(path: Path, samples: Samples) -> str:
    """A number and a text have none."""
    if path.root not in samples or len(path.parts) < 2:
        return ""
    kind = "a number" if isinstance(samples[path.root][0], int | float) else "a text"
    return f"`{path.root}` is {kind}, which has no parts"


def _failure(tree: Expression, samples: Samples) -> str:
    """Why it fails for each of the samples; empty where it does not for one."""
    names = sorted({path.root for path in paths(tree)})
    ranges = [samples[name] for name in names]
    if prod(map(len, ranges)) > _MOST_CASES:
        return ""
    generator = Generator({}, "")
    value = generator.function([f"return {generator.expression(tree)}"])
    why = ""
    for case in product(*ranges):
        try:
            value(dict(zip(names, case, strict=True)))
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            why = why or str(error)
        else:
            return ""
    return why
