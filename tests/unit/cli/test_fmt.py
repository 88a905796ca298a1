"""`perfspec fmt`: what it writes, what it only shows, and how it ends."""

import pytest

from perfspec.base.errors import UsageFailure

LAID = "perfspec: 1\nflows:\n  a:\n    weight: 5   # a share\n"
CARELESS = "perfspec:   1\n\n\nflows:\n    a:\n        weight: 5  # a share\n"


@pytest.fixture(autouse=True)
def folder(tmp_path):
    (tmp_path / "laid.yaml").write_text(LAID)
    (tmp_path / "careless.yaml").write_text(CARELESS)
    (tmp_path / "compose.yaml").write_text("services:   {}\n")
    return tmp_path


EXPECTED = "perfspec: 1\n\nflows:\n  a:\n    weight: 5      # a share\n"


def test_files_are_written_that_are_not_in_their_layout(call, folder):
    ended = call("fmt", ".")
    assert (ended.exit_code, ended.stdout) == (0, "careless.yaml laid out\n")
    assert (folder / "careless.yaml").read_text() == EXPECTED
    assert (folder / "laid.yaml").read_text() == LAID
    assert (folder / "compose.yaml").read_text() == "services:   {}\n"


def test_check_names_them_and_ends_with_2(call, folder):
    ended = call("fmt", "--check", ".")
    assert (ended.exit_code, ended.stdout) == (2, "careless.yaml is not in its layout\n")
    assert (folder / "careless.yaml").read_text() == CARELESS
    assert call("fmt", "--check", "laid.yaml").exit_code == 0


def test_diff_shows_what_would_change(call, folder):
    ended = call("fmt", "--diff", "careless.yaml")
    assert ended.exit_code == 0
    assert "-        weight: 5  # a share\n+  a:\n+    weight: 5      # a share\n" in ended.stdout
    assert (folder / "careless.yaml").read_text() == CARELESS
    assert call("fmt", "--check", "--diff", "careless.yaml").exit_code == 2


def test_the_standard_input_goes_to_the_standard_output(call):
    assert call("fmt", "-", stdin=CARELESS).stdout == EXPECTED


@pytest.mark.parametrize("content", [b"a: [1\n", b"a: 1\na: 2\n", b"a: \xff\n"])
def test_what_cannot_be_read_is_left_alone_and_said(call, folder, content):
    (folder / "bad.yaml").write_bytes(content)
    ended = call("fmt", "bad.yaml")
    assert ended.exit_code == 2
    assert "bad.yaml:" in ended.stderr
    assert (folder / "bad.yaml").read_bytes() == content


def test_a_file_that_is_not_there_is_a_mistake_of_the_caller(call):
    assert isinstance(call("fmt", "none.yaml").exception, UsageFailure)
