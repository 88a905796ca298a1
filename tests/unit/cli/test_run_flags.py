"""Flags of `run` that the language names: carried out, or refused by name, never ignored."""

import pytest
from click.testing import CliRunner

from perfspec.cli.run import run

SPEC = """perfspec: 1
service: shop
environments: {local: {url: "http://127.0.0.1:9"}}
flows: {look: {steps: [{get: /products, name: products}]}}
stages: {smoke: {phases: [{for: 2s, users: 1}]}}
thresholds: {all: {errors: under 50%}}
"""


@pytest.fixture
def called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.yaml").write_text(SPEC)

    def call(*flags: str):
        return CliRunner().invoke(run, ["shop.yaml", *flags], standalone_mode=True)

    return call


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--workers", "0"), "--workers is a number of processes, or `auto`, not `0`"),
        (("--workers", "two"), "--workers is a number of processes, or `auto`, not `two`"),
        (("--metrics", "everywhere"), "--metrics cannot be `everywhere`"),
        (("--metrics", "70000"), "--metrics cannot be `70000`"),
        (("--fail-on-regression",), "--fail-on-regression needs a --baseline"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_sent(called, tmp_path, flags, said) -> None:
    ended = called(*flags)
    assert (ended.exit_code, said in ended.output) == (2, True), ended.output
    assert not (tmp_path / "results").exists()


def test_verbose_shows_the_plan_before_the_run(called) -> None:
    output = called("--verbose", "--workers", "auto").output
    assert "shop smoke on local (http://127.0.0.1:9)" in output
    assert "expected requests" in output
