"""Why an expression had no value: in words that somebody knows who has never seen Python."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.language.codegen import Generator
from perfspec.language.expressions import parse
from perfspec.language.failures import why

VALUES = st.sampled_from(["x", "", 5, 1.5, True, None, [1], [], {"k": 1}, (1,)])
SAMPLES = ("a > b", "a <= b", "a in b", "a.b", "a[7]", "a[0].c", "a + b", "a * b", "a / b", "-a", "min(a, b)",
           "upper(a)", "count(a)", "first(a)", "join(a, b)", "split(a, b)", "bucket(a, 1, 2)", "prefixes(a, b, 2)",
           "round(a, b)", "json(a)", "date(a)", "date(1, a)", "random(a)", "base64(a)", "gone", "gone.b")  # fmt: skip
OF_PYTHON = re.compile(r"'|\b(?:str|int|float|bool|dict|NoneType|tuple|instances?|object|subscriptable|iterable|"
                       r"indices|operand|unhashable|index out of range)\b")  # fmt: skip


def failure(expression: str, **names: object) -> str | None:
    class Names(dict[str, object]):
        base = 1
        step = 0

    generator = Generator({}, "here")
    try:
        generator.function([f"return {generator.expression(parse(expression))}"])(Names(names))
    except (LookupError, TypeError, ValueError) as error:
        return why(error)
    return None


@pytest.mark.parametrize(
    ("expression", "a", "said"),
    [
        ("a > 3", "x", "`>` cannot stand between a text and a number"),
        ("3 < a", None, "`<` cannot stand between a number and null"),
        ("a.id", 5, "a number has no parts"),
        ("a.id", "x", "a text has no parts with a name"),
        ("a.id", [1], "a list has no parts with a name"),
        ("a.id", {}, "`id` has no value here"),
        ("a[1]", [1], "a list is shorter than that"),
        ("a[1]", "x", "a text is shorter than that"),
        ("1 in a", 5, "`in` looks into lists, maps and texts, not a number"),
        ("1 in a", "x", "a text holds texts, not a number"),
        ("a in b", [1], "a list is no key of a map"),
        ("a + 1", "x", "a number is needed here, not a text"),
        ("gone", 1, "`gone` has no value here"),
        ("a == 1", 1, None),
    ],
)
def test_what_does_not_fit_is_said_in_words_of_the_language(expression, a, said) -> None:
    assert failure(expression, a=a, b={}) == said


@settings(derandomize=True, deadline=None, max_examples=400)
@given(st.sampled_from(SAMPLES), VALUES, VALUES)
def test_no_word_of_python_reaches_the_reader(expression, a, b) -> None:
    said = failure(expression, a=a, b=b)
    assert said is None or OF_PYTHON.search(said) is None, said
