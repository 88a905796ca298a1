"""`perfspec explain`"""

from perfspec.base.errors import UsageFailure
from perfspec.diagnostics.codes import CODES


def test_a_code_is_explained_with_both_examples(call):
    ended = call("explain", "ps201")
    assert ended.exit_code == 0
    assert ended.stdout.startswith("PS201: a quantity has no unit\n\n")
    assert (
        "Gets it:\n\n    defaults:\n      timeout: 30\n\nDoes not:\n\n    defaults:\n      timeout: 30s\n"
        in ended.stdout
    )


def test_without_a_code_all_are_listed(call):
    lines = call("explain").stdout.splitlines()
    assert lines == [f"{code.code}  {code.about}" for code in CODES.values()]


def test_a_code_that_is_none_is_refused(call):
    assert isinstance(call("explain", "PS3011").exception, UsageFailure)
