"""Regular expressions: the same words on both engines, and no pattern that could hold up a load."""

import time

import pytest

from perfspec.language.patterns import Backtracking, Linear, PatternError, compile_pattern, outside_re2

ENGINES = [pytest.param(Linear, id="re2"), pytest.param(Backtracking, id="regex")]


@pytest.fixture(params=ENGINES)
def engine(request):
    if request.param is Linear:
        pytest.importorskip("re2", reason="not checked here: google-re2 is not installed")
    return request.param


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"\d+", "a1 b22", ["1", "22"]),
        (r"id=(\w+)", "id=a id=b", ["a", "b"]),
        (r"(x)?(?P<v>\d)", "x1 2", ["1", "2"]),
        (r"(?<v>b)|a", "ab", ["", "b"]),
        (r"(?i)AB", "ab", ["ab"]),
        (r"a\z", "a a", ["a"]),
        (r"\w+", "größe", ["gr", "e"]),
        ("ö", "größe", ["ö"]),
        ("[[:digit:]]+", "a12", ["12"]),
        (r"[(?=]", "a(=", ["(", "="]),
        ("nothing", "a", []),
        ("x*", "ax", ["", "x", ""]),
    ],
)
def test_both_engines_find_the_same(engine, pattern, text, found) -> None:
    compiled = engine(pattern)
    assert list(compiled.found(text.encode())) == found
    assert compiled.search(text.encode()) is bool(found)


def test_bytes_that_are_no_text_are_searched_all_the_same(engine) -> None:
    assert list(engine(r"id=(\d+)").found(b"\xff\xfeid=7\xff")) == ["7"]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing ), unterminated subpattern"),
        ("[", "unterminated character set"),
        ("*a", "nothing to repeat"),
        ("a**", "multiple repeat"),
    ],
)
def test_what_is_no_pattern_is_told_alike(engine, pattern, reason) -> None:
    with pytest.raises(PatternError, match=f"^{reason.replace(')', '[)]')}$"):
        engine(pattern)


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("a(?=b)", "(?="),
        ("(?<!a)b", "(?<!"),
        ("a++", "++"),
        ("(?>a)", "(?>"),
        (r"(a)\1", r"\1"),
        (r"(?P<n>a)(?P=n)", "(?P="),
        (r"a\Z", r"\Z"),
        ("(?(1)a)", "(?("),
        ("a{1001}", "{1001}"),
        ("a{2,1001}", "{2,1001}"),
        ("(a{40}){40}", "{40}"),
        ("((a{10}b){10}c){11}", "{11}"),
    ],
)
def test_what_re2_does_not_have_is_refused_wherever_it_runs(pattern, what) -> None:
    found = outside_re2(pattern)
    assert found is not None
    assert pattern[found[0] : found[1]] == what
    with pytest.raises(PatternError):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", [r"\(?=", r"\\1", "[(?=]", r"\Q(?=\E", "(?:a)+?", "a{1000}", "(a{30}b)c{900}", "[]a]+", "(?<n>a)", ""]
)
def test_what_only_looks_like_it_is_not(pattern) -> None:
    assert outside_re2(pattern) is None
    compile_pattern(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)+$", "(a|aa)+$", "(.*a){20}$", "(a?){50}a{50}"])
def test_a_nasty_pattern_ends(engine, pattern) -> None:
    """Processor time, not time: what a busy machine does beside it is not asked."""
    compiled = engine(pattern)
    begun = time.process_time()
    compiled.search(b"a" * 40 + b"b")
    list(compiled.found(b"a" * 40 + b"b"))
    assert time.process_time() - begun < 2
