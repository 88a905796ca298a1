"""`perfspec show` and `perfspec schema`"""

import json
from pathlib import Path

import pytest

SPEC = """perfspec: 1
service: shop
include: [suite.yaml]
environments: {local: {url: http://127.0.0.1:1}}
flows: {look: {steps: [{get: /a, name: a}]}}
stages: {smoke: {phases: [{name: check, for: 1m}]}}
"""
SUITE = """perfspec: 1
kind: shared
stages:
  smoke:
    phases: [{name: check, for: 30s, users: 5}]
    thresholds: {all: {errors: under 1%}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path):
    (tmp_path / "shop.yaml").write_text(SPEC)
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path


def test_what_counts_is_shown_with_its_origin(call):
    ended = call("show", "shop.yaml")
    assert ended.exit_code == 0
    lines = {tuple(part.strip() for part in line.split("  #")) for line in ended.stdout.splitlines()}
    assert ("- name: check", "shop.yaml:6") in lines
    assert ("for: 1m", "shop.yaml:6") in lines
    assert ("users: 5", "suite.yaml:5") in lines
    assert ("thresholds: {all: {errors: under 1%}}", "suite.yaml:6") in lines
    assert "30s" not in ended.stdout


def test_what_is_shown_is_a_spec_that_lints(call, folder):
    text = "\n".join(line for line in call("show", "shop.yaml").stdout.splitlines() if not line.startswith("include"))
    (folder / "whole.yaml").write_text(text)
    assert call("lint", "whole.yaml").exit_code == 0


def test_mistakes_are_told_beside_it(call, folder):
    (folder / "shop.yaml").write_text(SPEC + "wieght: 1\n")
    ended = call("show", "shop.yaml")
    assert ended.exit_code == 2
    assert "unknown key `wieght`" in ended.stderr
    assert "service: shop" in ended.stdout
    (folder / "shop.yaml").write_text("a: [1\n")
    ended = call("show", "shop.yaml")
    assert (ended.exit_code, ended.stdout) == (2, "")


def test_the_schema_is_printed_as_it_is(call):
    ended = call("schema")
    assert json.loads(ended.stdout)["title"] == "perfspec 1"
    assert ended.stdout == (Path(__file__).parents[3] / "schema/perfspec-1.schema.json").read_text()
