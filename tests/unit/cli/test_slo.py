"""`perfspec slo` as a command: what it prints, writes, and ends with."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SPEC = """\
perfspec: 1
service: {service}
environments: {{local: {{url: "http://h"}}}}
flows: {{f: {{steps: [{{get: /, name: look}}]}}}}
stages: {{smoke: {{phases: [{{name: a, for: 30s, users: 3}}]}}}}
thresholds: {{look: {{errors: under 1%}}}}
"""
SLO = "slo: {availability: at least 99.95%}\n"


@pytest.fixture
def write(tmp_path):
    def spec(name: str, more: str = SLO, service: str = "shop") -> str:
        (tmp_path / name).write_text(SPEC.format(service=service) + more)
        return name

    return spec


def test_show_prints_the_budget_of_each_service(call, write) -> None:
    shown = call("slo", "show", write("a.yaml"), write("b.yaml", SLO.replace("99.95", "99.9"), "other"))
    assert shown.exit_code == 0
    assert "21.6 minutes (0.05%)" in shown.output
    assert "43.2 minutes (0.1%)" in shown.output


def test_a_spec_that_promises_nothing_is_left_out_aloud(call, write) -> None:
    shown = call("slo", "show", write("a.yaml"), write("b.yaml", "", "other"))
    assert shown.exit_code == 0
    assert "b.yaml promises nothing and is left out" in shown.stderr


@pytest.mark.parametrize("command", ["show", "rules", "openslo"])
def test_where_nothing_is_promised_nothing_is_made(call, write, command) -> None:
    refused = call("slo", command, write("a.yaml", ""))
    assert "a.yaml: nothing is promised there" in str(refused.exception)
    assert refused.exception.exit_code == 2


@pytest.mark.parametrize("command", ["show", "rules", "openslo"])
def test_a_spec_with_errors_is_shown_with_its_errors(call, write, command) -> None:
    refused = call("slo", command, write("a.yaml", "slo: {availability: 99%}\n"))
    assert refused.exit_code == 2
    assert "a.yaml:7:21 error PS601" in refused.stderr


def test_two_promises_for_one_service_would_overwrite_each_other(call, write) -> None:
    refused = call("slo", "rules", write("a.yaml"), write("b.yaml"))
    assert "a.yaml and b.yaml both make promises for the service shop" in str(refused.exception)


@pytest.mark.parametrize("command", ["rules", "openslo"])
def test_what_is_written_is_what_is_printed(call, tmp_path, command) -> None:
    printed = call("slo", command, str(ROOT / "specs"))
    written = call("slo", command, str(ROOT / "specs"), "--out", "folder/made.yml")
    assert (printed.exit_code, written.output) == (0, "folder/made.yml is written\n")
    assert (tmp_path / "folder/made.yml").read_text() == printed.stdout
    assert list(yaml.safe_load_all(printed.stdout))


def test_what_cannot_be_computed_is_said_and_the_rest_is_made(call, write) -> None:
    made = call("slo", "rules", write("a.yaml"))
    assert made.exit_code == 0
    assert made.stderr.startswith("left out: shop: availability cannot be computed, because")
    assert yaml.safe_load(made.stdout) == {"groups": []}


def test_a_file_that_cannot_be_written_is_no_success(call, write, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    refused = call("slo", "openslo", write("a.yaml"), "--out", "file/made.yml")
    assert refused.exception.exit_code == 4
