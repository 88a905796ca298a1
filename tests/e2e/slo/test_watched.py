"""The three services and their load tests, watched by a real Prometheus: dashboards, the gate, alerts, runs as metrics.

One Prometheus for all tests here. A fourth service, `broken`, answers half of the requests with 500.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

ROOT = Path(__file__).parents[3]
SERVICES = ("gateway", "assessment", "search")
BROKEN = """\
perfspec: 1
service: broken
environments: {local: {url: "http://127.0.0.1:1"}}
flows: {f: {steps: [{get: /, name: look}]}}
stages: {smoke: {phases: [{name: a, for: 30s, users: 3}]}}
thresholds: {look: {errors: under 1%}}
slo:
  availability: at least 99.9%
  when_budget_spent: {80%: freeze, 100%: stop}
  prometheus: {total: 'http_requests_total{job="broken"}', errors: 'http_requests_total{job="broken",code=~"5.."}'}
"""
SECONDS = 12


@dataclass
class Watched:
    prometheus: Any
    gateway: Any
    folder: Path
    runs: dict
    """Service -> how its load test ended."""
    begin: float
    shown: str
    """What one run's /metrics said while it lasted."""

    def result(self, service: str) -> dict:
        return json.loads((self.folder / f"out-{service}/result.json").read_text())

    def log(self, service: str) -> list[dict]:
        lines = (self.folder / f"out-{service}/slices.jsonl").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["type"] == "second"]


@contextmanager
def serving(*words: str):
    """Reference services at free ports; their addresses in the order of their names."""
    command = [sys.executable, "-m", "perfspec", "serve", *words, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3 if words[0] == "all" else 1)]
        yield [re.search(r"http://\S+", line)[0] for line in lines]
    finally:
        process.kill()
        process.communicate()


def suite(folder: Path, addresses: dict[str, str]) -> None:
    """The shipped specs against these addresses, with a short smoke stage."""
    for name in ("specs", "fixtures"):
        shutil.copytree(ROOT / name, folder / name)
    for name, address in addresses.items():
        path = folder / f"specs/{name}.yaml"
        text, count = re.subn(r"http://127\.0\.0\.1:808\d", address, path.read_text())
        assert count == 1
        path.write_text(text)
    shared = folder / "specs/shared/suite.yaml"
    text = shared.read_text()
    shared.write_text(
        text.replace("for: 30s", f"for: {SECONDS}s").replace("extend_to: 90s", f"extend_to: {SECONDS + 1}s")
    )
    assert shared.read_text() != text
    (folder / "specs/broken.yaml").write_text(BROKEN)


@pytest.fixture(scope="module")
def watched(prometheus, gateway, free_port, perfspec, new_folder, wait_until):
    folder = new_folder("watched")
    with ExitStack() as stack:
        # the order of `serve all`
        addresses = dict(zip(SERVICES, stack.enter_context(serving("all")), strict=True))
        (broken,) = stack.enter_context(serving("search", "--errors", "50%"))
        suite(folder, addresses)
        ports = {name: free_port() for name in SERVICES}
        rules = perfspec.command(folder, "slo", "rules", "specs").out
        targets = {
            "services": [urlsplit(address).netloc for address in addresses.values()],
            "broken": [urlsplit(broken).netloc],
            "runs": [f"127.0.0.1:{port}" for port in ports.values()],
            "pushed": [gateway.address],
        }
        begin = time.time()
        prometheus.begin(targets, rules, renamed=["broken"])
        runs = {
            name: perfspec.begin_command(
                folder, "run", f"specs/{name}.yaml", "--out", f"out-{name}", "--metrics", str(port),
                "--push", f"http://{gateway.address}",
            )
            for name, port in ports.items()
        }  # fmt: skip
        headers = {"Authorization": "Bearer perf-local-key"}
        with httpx.Client(base_url=broken, headers=headers, trust_env=False) as client:
            for _ in range(60):
                client.get("/v1/query?q=water")
                time.sleep(0.05)
        search = runs["search"]
        search.folder = folder / "out-search"
        search.wait_for_seconds(8)
        shown = httpx.get(f"http://127.0.0.1:{ports['search']}/metrics", trust_env=False).text
        ended = {name: begun.end() for name, begun in runs.items()}
        wait_until(lambda: len(prometheus.now("perfspec_run_outcome == 1")) == len(SERVICES), "seeing what was pushed")
        budgets = "count by (service) (slo:policy_steps:count)"
        wait_until(lambda: len(prometheus.now(budgets)) == len(SERVICES) + 1, "the budget of every service")
        yield Watched(prometheus, gateway, folder, ended, begin, shown)


@pytest.fixture(scope="module")
def pages(perfspec, watched):
    made = perfspec.command(watched.folder, "slo", "dashboards", "specs", "--out", "pages")
    assert made.code == 0, made.err
    return {path.name: json.loads(path.read_text()) for path in (watched.folder / "pages").iterdir()}


def queries(page: dict, interval: str):
    """Title and query of every line of every panel, as Grafana would ask with everything chosen."""
    for panel in page["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"].replace("$__rate_interval", interval).replace("$service", ".*")
            assert "$" not in query
            yield f"{panel['title']} {target['legendFormat']}", query


def test_load_tests_are_judged_as_without_being_watched(watched) -> None:
    for name, run in watched.runs.items():
        assert run.code in (0, 1, 3), run.out + run.err  # three runs at once on a busy machine may be slow
        assert "could not be" not in run.err
        assert re.search(r"metrics: http://127\.0\.0\.1:\d+/metrics", run.out), name


def test_every_query_of_every_page_is_one(pages, promtool, tmp_path) -> None:
    found = [query for page in pages.values() for _, query in queries(page, "5m")]
    rules = [{"record": f"panel:query:number{number}", "expr": query} for number, query in enumerate(found)]
    path = tmp_path / "queries.yml"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(found)} rules found" in promtool("check", "rules", str(path))


def test_every_panel_shows_something(watched, pages) -> None:
    assert set(pages) == {
        "slo-overview.json",
        "load-test-runs.json",
        *(f"service-{n}.json" for n in (*SERVICES, "broken")),
    }
    empty = []
    for name, page in pages.items():
        for title, query in queries(page, "10s"):
            series = watched.prometheus.over(query, watched.begin, time.time())
            if not any(value != "NaN" for one in series for _, value in one["values"]):
                empty.append(f"{name}: {title}: {query}")
    assert empty == []


@pytest.mark.parametrize("service", SERVICES)
def test_prometheus_saw_exactly_what_was_logged(watched, service) -> None:
    """Each value is what had been measured at the end of some second."""
    log = watched.log(service)
    names = {
        key[0]
        for line in log
        for key in [piece["key"] for piece in line["slices"]]
        if key[1] == "" and key[3] == "load"
    }
    assert names
    for name in names:
        sums = list(accumulate(_of(line, name) for line in log))
        seen = watched.prometheus.samples(
            f'perfspec_requests_total{{service="{service}",request="{name}",timer="request"}}'
        )
        assert set(seen) <= set(sums)
        assert seen == sorted(seen)
        assert len(seen) >= 3
    users = watched.prometheus.samples(f'perfspec_users{{service="{service}"}}')
    assert set(users) <= {0, *(line["users"] for line in log)}
    assert max(users) >= 3


def _of(line: dict, name: str) -> int:
    return sum(p["n"] for p in line["slices"] if p["key"][0] == name and p["key"][1] == "" and p["key"][3] == "load")


def test_names_and_labels_of_runs_are_the_documented_ones(watched) -> None:
    page = (ROOT / "docs/guide/metrics.md").read_text()
    series = watched.prometheus.over('{__name__=~"perfspec_.*"}', watched.begin, time.time())
    own = {"__name__", "job", "instance", "le"}
    labels = {label for one in series for label in one["metric"]} - own
    assert {"service", "stage", "environment", "request", "timer", "threshold"} <= labels
    for label in labels:
        assert f"`{label}`" in page or (label.startswith("tag_") and "`tag_NAME`" in page)
    names = set(re.findall(r"^# TYPE (\S+)", watched.shown, re.MULTILINE))
    pushed = {
        name
        for text in watched.gateway.kept.values()
        for name in re.findall(r"^# TYPE (\S+)", text.decode(), re.MULTILINE)
    }
    for name in names | pushed:
        assert f"`{name}`" in page, name
    assert len(names) >= 7


def test_what_runs_show_and_push_is_as_prometheus_wants_it(watched, promtool) -> None:
    assert promtool("check", "metrics", stdin=watched.shown) == ""
    for text in watched.gateway.kept.values():
        assert promtool("check", "metrics", stdin=text.decode()) == ""


def test_a_run_is_pushed_for_its_service_and_environment(watched) -> None:
    assert set(watched.gateway.kept) == {f"/metrics/job/perfspec/service/{name}/environment/local" for name in SERVICES}
    for service in SERVICES:
        (found,) = watched.prometheus.now(f'perfspec_run_outcome{{service="{service}"}} == 1')
        assert found["metric"]["outcome"] == watched.result(service)["outcome"]


def test_nobody_is_served_after_the_end(watched) -> None:
    address = re.search(r"http://\S+/metrics", watched.runs["search"].out)[0]
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False)


def test_only_the_broken_service_wakes_somebody(watched, wait_until) -> None:
    wait_until(lambda: ("ErrorBudgetBurnsFast", "broken") in watched.prometheus.firing(), "the alert")
    firing = watched.prometheus.firing()
    assert {service for name, service in firing if name == "LatencyBucketMissing"} == set()
    errors = watched.prometheus.now('ALERTS{alertname="ErrorBudgetBurnsFast",slo="availability",alertstate="firing"}')
    assert {alert["metric"]["service"] for alert in errors} == {"broken"}


def gate(perfspec, watched, *words: str):
    return perfspec.command(watched.folder, "slo", "status", *words)


def test_the_gate_says_what_prometheus_counted(watched, perfspec) -> None:
    specs = [f"specs/{name}.yaml" for name in SERVICES]
    asked = gate(perfspec, watched, *specs, "--prometheus", watched.prometheus.url)
    rows = [re.split(r"  +", line) for line in asked.out.splitlines()]
    assert rows[0] == ["service", "promise", "budget spent", "left", "what the team does"]
    assert [row[:2] for row in rows[1:] if row[1] == "availability"] == [[name, "availability"] for name in SERVICES]
    assert len(rows) == 1 + 3 + 2 + 3 + 3
    spent = {(row[0], row[1]): float(row[2].rstrip("%")) for row in rows[1:]}
    assert all(spent[name, "availability"] == 0 for name in SERVICES)
    assert asked.code == (1 if max(spent.values()) >= 100 else 0)


def test_the_gate_closes_where_a_budget_is_spent(watched, perfspec) -> None:
    asked = gate(perfspec, watched, "specs/broken.yaml", "--prometheus", watched.prometheus.url)
    assert asked.code == 1
    row = re.split(r"  +", asked.out.splitlines()[1])
    assert row[:2] == ["broken", "availability"]
    assert 20_000 < float(row[2].rstrip("%")) < 80_000  # half of all, where a thousandth is allowed
    assert row[3:] == ["0 minutes", "stop"]


def test_an_empty_prometheus_is_not_green(watched, perfspec) -> None:
    text = BROKEN.replace('job="broken"', 'job="nobody"')
    (watched.folder / "nobody.yaml").write_text(text)
    asked = gate(perfspec, watched, "nobody.yaml", "--prometheus", watched.prometheus.url)
    assert asked.code == 3
    assert "not known: no requests were counted" in asked.out


def test_a_promise_that_has_no_bucket_is_not_green(watched, perfspec) -> None:
    text = (watched.folder / "specs/search.yaml").read_text()
    assert text.count("suggest: {p95: at most 120ms, label") == 1
    text = text.replace("suggest: {p95: at most 120ms, label", "suggest: {p95: at most 123ms, label")
    (watched.folder / "specs/odd.yaml").write_text(text)
    asked = gate(perfspec, watched, "specs/odd.yaml", "--prometheus", watched.prometheus.url)
    (watched.folder / "specs/odd.yaml").unlink()
    assert asked.code in (1, 3), asked.out
    (row,) = [line for line in asked.out.splitlines() if "suggest p95" in line]
    assert "not known: no bucket of the histogram ends at its limit" in row


def test_no_prometheus_at_all_is_not_green(watched, perfspec, free_port) -> None:
    asked = gate(perfspec, watched, "specs/search.yaml", "--prometheus", f"http://127.0.0.1:{free_port()}")
    assert (asked.code, asked.out) == (4, "")
    assert "cannot be reached" in asked.err
    other = gate(perfspec, watched, "specs/search.yaml", "--prometheus", f"http://{watched.gateway.address}")
    assert other.code == 4
    assert "without JSON" in other.err


def test_metrics_at_a_port_that_is_taken_send_nothing(watched, perfspec) -> None:
    port = watched.gateway.address.rpartition(":")[2]
    words = ("run", "specs/search.yaml", "--out", "out-taken", "--metrics", port)
    run = perfspec.command(watched.folder, *words)
    assert run.code == 4
    assert f"metrics cannot be served at 127.0.0.1:{port}" in run.err
    assert (watched.folder / "out-taken/result.json").exists()
