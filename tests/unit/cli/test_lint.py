"""`perfspec lint`: which files it looks at, what it prints, and how it ends."""

import json

import pytest

from perfspec.base.errors import UsageFailure

GOOD = """perfspec: 1
service: shop
environments: {local: {url: http://127.0.0.1:1}}
data: {word: {fake: word}}
flows:
  look:
    steps:
      - get: /a
        name: a
        query: {q: "${word}"}
thresholds: {all: {errors: under 1%}}
"""
BAD = GOOD.replace('"${word}"', "${word}")
WARNED = GOOD + "stages: {load: {phases: [{for: 10m, users: 1}, {for: 10m, users: 5}]}}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path):
    """Specs in folders, and YAML files that are none."""
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/bad.yml").write_text(BAD)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden/bad.yaml").write_text(BAD)
    (tmp_path / "compose.yaml").write_text("services: {a: {image: b}}\n")
    return tmp_path


def test_a_good_spec_ends_with_0(call):
    ended = call("lint", "good.yaml")
    assert (ended.exit_code, ended.stdout) == (0, "1 spec without errors\n")


def test_a_bad_one_ends_with_2_and_says_why(call):
    ended = call("lint", "deep/bad.yml")
    assert ended.exit_code == 2
    assert "deep/bad.yml:10:20 error PS003: " in ended.stdout
    assert ended.stdout.endswith("deep/bad.yml: 1 error\n")


def test_folders_are_searched_for_specs(call):
    ended = call("lint", ".")
    assert ended.exit_code == 2
    assert "deep/bad.yml:10:20" in ended.stdout
    assert ".hidden" not in ended.stdout
    assert "not looked at, as they are no specs: compose.yaml\n" in ended.stdout


def test_a_folder_without_specs_is_a_mistake_of_the_caller(call, folder):
    ended = call("lint", ".hidden/..")
    assert ended.exit_code == 2
    (folder / "empty").mkdir()
    assert isinstance(call("lint", "empty").exception, UsageFailure)


def test_a_file_that_is_named_is_looked_at_whatever_it_holds(call):
    assert call("lint", "compose.yaml").exit_code == 2
    assert call("lint", ".hidden/bad.yaml").exit_code == 2


def test_what_is_wrong_in_a_shared_file_is_said_once(call, folder):
    (folder / "shared.yaml").write_text("perfspec: 1\nkind: shared\nowner: [a]\nwieght: 1\n")
    for name in ("one", "two"):
        (folder / f"{name}.yaml").write_text(f"{GOOD}include: [shared.yaml]\n")
    ended = call("lint", "shared.yaml", "one.yaml", "two.yaml")
    assert ended.stdout.count("unknown key `wieght`") == 1


def test_the_standard_input_is_a_spec_in_the_current_folder(call, folder):
    (folder / "shared.yaml").write_text("perfspec: 1\nkind: shared\n")
    assert call("lint", "-", stdin=f"{GOOD}include: [shared.yaml]\n").exit_code == 0
    ended = call("lint", "-", stdin=BAD)
    assert ended.exit_code == 2
    assert ended.stdout.startswith("<stdin>:10:20 error PS003: ")


@pytest.mark.parametrize("as_format", ["json", "sarif"])
def test_formats_for_programs_hold_nothing_else(call, as_format):
    ended = call("lint", "--format", as_format, ".")
    document = json.loads(ended.stdout)
    found = document["findings"] if as_format == "json" else document["runs"][0]["results"]
    assert (len(found), ended.exit_code) == (1, 2)
    assert call("lint", "--format", as_format, "good.yaml").exit_code == 0


def test_sarif_explains_the_codes(call):
    document = json.loads(call("lint", "--format", "sarif", "deep/bad.yml").stdout)
    (rule,) = document["runs"][0]["tool"]["driver"]["rules"]
    assert rule["id"] == "PS003"
    assert "needs quotes" in rule["fullDescription"]["text"]


def test_annotations_for_github(call):
    ended = call("lint", "--format", "github", "deep/bad.yml")
    assert ended.stdout.startswith("::error file=deep/bad.yml,line=10,endLine=10,col=20,")


def test_warnings_count_in_strict_only(call, folder):
    (folder / "warned.yaml").write_text(WARNED)
    ended = call("lint", "warned.yaml")
    assert (ended.exit_code, "warning PS502" in ended.stdout) == (0, True)
    assert call("lint", "--strict", "warned.yaml").exit_code == 2
    (folder / "whole.yaml").write_text(GOOD + "stages: {load: {phases: [{for: 20m, users: 50}]}}\n")
    assert call("lint", "--strict", "whole.yaml").exit_code == 0


def test_strict_looks_at_the_plans_of_all_stages(call, folder):
    (folder / "short.yaml").write_text(GOOD + "stages: {smoke: {phases: [{for: 1s, users: 1}]}}\n")
    assert call("lint", "short.yaml").exit_code == 0
    ended = call("lint", "--strict", "short.yaml")
    assert ended.exit_code == 2
    assert "11:20 warning PS608: `all errors` would see about" in ended.stdout


def test_fix_writes_the_file_and_says_what_it_did(call, folder):
    ended = call("lint", "--fix", "deep/bad.yml")
    assert ended.exit_code == 0
    assert (folder / "deep/bad.yml").read_text() == GOOD
    assert ended.stderr.startswith("deep/bad.yml:10:20 repaired PS003: ")


def test_fix_leaves_a_file_alone_that_needs_none(call, folder):
    before = (folder / "good.yaml").stat()
    assert call("lint", "--fix", "good.yaml").exit_code == 0
    assert (folder / "good.yaml").stat().st_mtime_ns == before.st_mtime_ns


def test_fix_of_the_standard_input_goes_to_the_standard_output(call):
    ended = call("lint", "--fix", "-", stdin=BAD)
    assert (ended.exit_code, ended.stdout) == (0, GOOD)


def test_a_wrong_command_is_told_the_nearest_one(call):
    ended = call("lnit")
    assert "did you mean `perfspec lint`?" in str(ended.exception.message)
