"""What stands inside `${ }`: which tree it is, and what is said, where, of what is none."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.language.expressions import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_OPERATORS,
    Binary,
    Call,
    Constant,
    Expression,
    ExpressionError,
    Path,
    Unary,
    parse,
    parse_prefix,
    paths,
)
from perfspec.language.functions import FUNCTIONS, INVENTED

ALL = settings(derandomize=True, deadline=None, max_examples=400)


def shown(tree: Expression) -> str:
    """The tree with all its brackets."""
    match tree:
        case Constant(value=value):
            return repr(value)
        case Path():
            return tree.dotted
        case Call(function=function, arguments=arguments):
            return f"{function}[{' '.join(map(shown, arguments))}]"
        case Unary(operator=operator, operand=operand):
            return f"({operator} {shown(operand)})"
        case Binary(operator=operator, left=left, right=right):
            return f"({shown(left)} {operator} {shown(right)})"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", "a"),
        (" a ", "a"),
        ("a\n", "a"),
        ("1", "1"),
        ("1.5", "1.5"),
        ("'it''", None),
        ("'a \"b\"'", "'a \"b\"'"),
        ('"{}$"', "'{}$'"),
        ("true", "True"),
        ("false", "False"),
        ("null", "None"),
        ("trueish", "trueish"),
        ("a + b * c", "(a + (b * c))"),
        ("a * b + c", "((a * b) + c)"),
        ("(a + b) * c", "((a + b) * c)"),
        ("a - b - c", "((a - b) - c)"),
        ("a / b / c", "((a / b) / c)"),
        ("-a + b", "((- a) + b)"),
        ("-a * b", "((- a) * b)"),
        ("- -a", "(- (- a))"),
        ("a - -b", "(a - (- b))"),
        ("a or b and c", "(a or (b and c))"),
        ("a and b or c", "((a and b) or c)"),
        ("not a and b", "((not a) and b)"),
        ("not a == b", "(not (a == b))"),
        ("not not a", "(not (not a))"),
        ("a == b and c != d", "((a == b) and (c != d))"),
        ("a + 1 > b * 2", "((a + 1) > (b * 2))"),
        ("a in b or c", "((a in b) or c)"),
        ("(a < b) == c", "((a < b) == c)"),
        ("a < b == c", None),
        ("count(a)", "count[a]"),
        ("count (a)", "count[a]"),
        ("count", "count"),
        ("join(a, ',')", "join[a ',']"),
        ("max(1, 2, 3) + 1", "(max[1 2 3] + 1)"),
        ("first(split(a.b, ' '))", "first[split[a.b ' ']]"),
        ("a.b.c", "a.b.c"),
        ("a [0] . b", "a.0.b"),
        ("a['b c'][1]", "a.b c.1"),
        ("a.true", "a.true"),
    ],
)
def test_operators_bind_as_in_the_grammar(text, tree) -> None:
    if tree is None:
        with pytest.raises(ExpressionError):
            parse(text)
    else:
        assert shown(parse(text)) == tree


KNOWN = ", ".join(sorted(FUNCTIONS))


@pytest.mark.parametrize(
    ("text", "marked", "message", "hint"),
    [
        ("", (0, 1), "something is missing here", "write a name or a value"),
        ("  ", (2, 3), "something is missing here", "write a name or a value"),
        ("}", (0, 1), "something is missing here", "write a name or a value"),
        ("a }", (2, 3), "the expression ends before this `}`", "remove `}`"),
        ("a +", (3, 4), "something is missing here", "write a name or a value"),
        ("a b", (2, 3), "`b` is not expected here", "an operator or the closing `}` belongs here"),
        ("a not in b", (2, 5), "`not` is not expected here", "an operator or the closing `}` belongs here"),
        ("(a", (2, 3), "`)` is missing before the end", "write `)`"),
        ("(a b)", (3, 4), "`)` is missing before `b`", "write `)`"),
        ("count(a b)", (8, 9), "`)` is missing before `b`", "write `)`"),
        ("* a", (0, 1), "`*` cannot begin a value", "write a name or a value"),
        (")", (0, 1), "`)` cannot begin a value", "write a name or a value"),
        ("and a", (0, 3), "`and` needs a value on both sides", ""),
        ("a or or b", (5, 7), "`or` needs a value on both sides", ""),
        ("1 < a < 3", (6, 7), "comparisons cannot be chained with `<`", "join two with `and`"),
        ("a in b == c", (7, 9), "comparisons cannot be chained with `==`", "join two with `and`"),
        ("a.", (2, 3), "a name belongs behind the dot", ""),
        ("a.1", (2, 3), "a name belongs behind the dot", ""),
        ("a[b]", (2, 3), '`[ ]` takes a whole number or a "name"', ""),
        ("a[1.5]", (2, 5), '`[ ]` takes a whole number or a "name"', ""),
        ("a[-1]", (2, 3), '`[ ]` takes a whole number or a "name"', ""),
        ("a[0", (3, 4), "`]` is missing before the end", "write `]`"),
        ("a = b", (2, 3), "`=` has no meaning in an expression", "write `==` to compare"),
        ("a && b", (2, 3), "`&` has no meaning in an expression", "write `and`"),
        ("a || b", (2, 3), "`|` has no meaning in an expression", "write `or`"),
        ("!a", (0, 1), "`!` has no meaning in an expression", "write `not`"),
        ("5%", (1, 2), "`%` has no meaning in an expression", "write the share as a number, 0.05"),
        ("a ? b", (2, 3), "`?` has no meaning in an expression", "use `when` and `otherwise`"),
        ("${a}", (0, 1), "`$` has no meaning in an expression", "inside `${ }` names stand without `$`"),
        ("{a}", (0, 1), "`{` has no meaning in an expression", "`${` opens once; inside it names stand alone"),
        ("'a", (0, 1), "`'` has no meaning in an expression", "the text has no closing `'`"),
        ('a + "b', (4, 5), '`"` has no meaning in an expression', 'the text has no closing `"`'),
        (
            "ä",
            (0, 1),
            "`ä` has no meaning in an expression",
            "allowed are names, numbers, quoted text, + - * / == != < <= > >= and or not in",
        ),
    ],
)
def test_what_is_no_expression_is_said_at_the_wrong_word(text, marked, message, hint) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    error = caught.value
    assert ((error.start, error.end), error.message, error.hint, error.code) == (marked, message, hint, "PS305")


@pytest.mark.parametrize(
    ("text", "marked", "message", "hint"),
    [
        ("1 + frist(a)", (4, 9), "there is no function `frist`", "did you mean `first`?"),
        ("xyz(a)", (0, 3), "there is no function `xyz`", f"there are {KNOWN}"),
        ("__import__('os')", (0, 10), "there is no function `__import__`", f"there are {KNOWN}"),
        ("count()", (0, 5), "`count` takes a list or a text", "write `count(hits)`"),
        ("count(a, b)", (0, 5), "`count` takes a list or a text", "write `count(hits)`"),
        ("min(a)", (0, 3), "`min` takes two numbers or more", "write `min(total, 10)`"),
        ("upper(1, 2)", (0, 5), "`upper` takes a text", "write `upper(name)`"),
    ],
)
def test_a_function_that_is_not_there_or_called_wrongly_is_named(text, marked, message, hint) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    error = caught.value
    assert ((error.start, error.end), error.message, error.hint, error.code) == (marked, message, hint, "PS302")


@pytest.mark.parametrize("name", sorted(INVENTED))
def test_functions_that_people_think_of_are_answered_with_the_right_form(name) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(f"1 + {name}(a)")
    error = caught.value
    assert (error.start, error.end, error.code) == (4, 4 + len(name), "PS302")
    assert error.hint == INVENTED[name]
    for called in re.findall(r"`(\w+)\(", error.hint):
        assert called in FUNCTIONS


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_example_of_every_function_is_one(name) -> None:
    tree = parse(FUNCTIONS[name].example)
    assert isinstance(tree, Call)
    assert tree.function == name


def test_an_expression_has_a_greatest_length() -> None:
    assert isinstance(parse("a" * MAX_LENGTH), Path)
    with pytest.raises(ExpressionError, match="at most 500 characters") as caught:
        parse("a" * (MAX_LENGTH + 1))
    assert (caught.value.start, caught.value.end) == (0, MAX_LENGTH + 1)


@pytest.mark.parametrize("opening", ["(", "not ", "- ", "count("])
def test_an_expression_has_a_greatest_depth(opening) -> None:
    closing = ")" if "(" in opening else ""
    assert parse(opening * MAX_DEPTH + "a" + closing * MAX_DEPTH)
    with pytest.raises(ExpressionError, match="nests at most 20 deep"):
        parse(opening * (MAX_DEPTH + 1) + "a" + closing * (MAX_DEPTH + 1))


def test_an_expression_has_a_greatest_number_of_operators() -> None:
    assert parse("+".join(["1"] * (MAX_OPERATORS + 1)))
    with pytest.raises(ExpressionError, match="at most 100 operators") as caught:
        parse("+".join(["1"] * (MAX_OPERATORS + 2)))
    assert (caught.value.start, caught.value.end) == (201, 202)


def test_paths_are_found_in_the_order_written_with_their_places() -> None:
    text = "a.b + count(c) > -d[0] and not 'e' == f"
    found = [(path.dotted, text[path.start : path.end]) for path in paths(parse(text))]
    assert found == [("a.b", "a.b"), ("c", "c"), ("d.0", "d[0]"), ("f", "f")]
    assert next(paths(parse(text))).root == "a"


def test_an_expression_may_begin_anywhere_and_ends_at_the_bracket() -> None:
    text = "x ${ a + 1 } y }"
    tree, end = parse_prefix(text, 4)
    assert (shown(tree), text[end], end) == ("(a + 1)", "}", 11)


WORDS = """
    a b.c 1 2.5 't' "u" true null not and or in count min fresh frist ( ) [ ] , . + - * / == != < <= > >= } = $
""".split()  # noqa: SIM905 - a list with a line per word would hide them
tokens = st.lists(st.sampled_from([*WORDS, " ", "\n"]), max_size=30)


def error_of(text: str) -> ExpressionError | None:
    """None for an expression, whose names then stand where they say."""
    try:
        tree = parse(text)
    except ExpressionError as error:
        return error
    for path in paths(tree):
        assert 0 <= path.start < path.end <= len(text)
        assert text[path.start : path.end].startswith(path.root)
    return None


def is_tree_or_error(text: str) -> None:
    error = error_of(text)
    if error is not None:
        assert 0 <= error.start < error.end
        assert error.start <= len(text)
        assert error.message
        assert error.code in ("PS302", "PS305", "PS902")


@ALL
@given(tokens)
def test_any_row_of_words_is_a_tree_or_an_error_with_its_place(words) -> None:
    is_tree_or_error("".join(words))
    is_tree_or_error(" ".join(words))


@ALL
@given(st.text(max_size=80))
def test_any_text_is_a_tree_or_an_error_with_its_place(text) -> None:
    is_tree_or_error(text)


names = st.text(string.ascii_lowercase + "_", min_size=1, max_size=6).filter(
    lambda n: n not in ("not", "and", "or", "in", "true", "false", "null") and n not in FUNCTIONS
)
trees = st.recursive(
    st.one_of(
        names,
        st.integers(0, 10**9).map(str),
        st.decimals(0, 1000, places=2).map(str),
        st.text(string.ascii_letters + " {}$'", max_size=8).map(lambda t: f'"{t}"'),
        st.sampled_from(["true", "false", "null"]),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({' '.join(t)})"),
        st.tuples(inner, st.sampled_from(["==", "<", "in", "and", "or"]), inner).map(lambda t: f"({' '.join(t)})"),
        inner.map(lambda t: f"not {t}"),
        inner.map(lambda t: f"count({t})"),
    ),
    max_leaves=8,
)


@ALL
@given(trees, st.sampled_from(["", " ", "\n\t"]))
def test_what_the_grammar_makes_is_read_whatever_the_space_around_it(text, space) -> None:
    assert shown(parse(space + text + space)) == shown(parse(text))
