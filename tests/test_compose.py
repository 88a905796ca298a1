"""The test environment as files: they are what their schemas ask for, and they fit each other and the specs.

    make compose-check

Whether the routes lead where they should is tried on a real nginx in tests/e2e/services/test_routes.py.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from perfspec.app.lint import lint
from perfspec.reference.catalogue import PORTS

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.test.yml"
FILES = ROOT / "fixtures/compose"
SERVICES = ("gateway", "assessment", "search")
STORES = ("postgres", "redis", "elasticsearch")
VARIABLE = re.compile(r"\$\{([A-Z_]+):-((?:[^{}])*)\}")


def compose() -> dict:
    """The file as it is without any variable set."""
    text = VARIABLE.sub(lambda found: found[2], COMPOSE.read_text())
    assert "$" not in text
    return yaml.safe_load(text)["services"]


def kong() -> dict:
    return yaml.safe_load((FILES / "kong.yml").read_text())


def passes(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def tool(name: str, not_checked_here) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    return found or not_checked_here(f"{name} is missing")


def test_the_compose_file_is_as_the_specification_of_compose_wants_it(not_checked_here) -> None:
    passes(tool("check-jsonschema", not_checked_here), "--builtin-schema", "vendor.compose-spec", str(COMPOSE))


def test_the_kong_file_is_as_kong_wants_it(not_checked_here) -> None:
    schema = ROOT / "fixtures/schemas/kong.schema.json"
    passes(tool("check-jsonschema", not_checked_here), "--schemafile", str(schema), str(FILES / "kong.yml"))


def test_the_dockerfile_is_without_findings(not_checked_here) -> None:
    passes(tool("hadolint", not_checked_here), str(FILES / "Dockerfile"))


def test_prometheus_understands_its_configuration(not_checked_here, tmp_path) -> None:
    program = tool("promtool", not_checked_here)
    text = (FILES / "prometheus.yml").read_text().replace("/etc/prometheus/rules", str(FILES / "rules"))
    (tmp_path / "prometheus.yml").write_text(text)
    passes(program, "check", "config", str(tmp_path / "prometheus.yml"))


def test_everything_that_the_suite_needs_is_there() -> None:
    assert set(compose()) == {*SERVICES, *STORES, "kong", "prometheus", "grafana"}


@pytest.mark.parametrize("name", compose())
def test_every_service_is_pinned_limited_and_asked_how_it_is(name) -> None:
    service = compose()[name]
    _, _, tag = service["image"].rpartition("/")[2].partition(":")
    assert tag == "local" if name in SERVICES else re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-\w+)?", tag)
    assert {"cpus", "mem_limit", "pids_limit"} <= set(service)
    assert service["healthcheck"]["test"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_nothing_starts_before_what_it_needs_is_healthy() -> None:
    needs = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in compose().items()
    }
    healthy = "service_healthy"
    assert needs == {
        "gateway": {"redis": healthy},
        "assessment": {"postgres": healthy},
        "search": {"elasticsearch": healthy},
        "kong": dict.fromkeys(SERVICES, healthy),
        "prometheus": dict.fromkeys(SERVICES, healthy),
        "grafana": {"prometheus": healthy},
        **{store: {} for store in STORES},
    }


def test_images_can_be_replaced_and_no_secret_stands_in_the_file() -> None:
    variables = dict(VARIABLE.findall(COMPOSE.read_text()))
    assert {f"{name.upper()}_IMAGE" for name in compose()} <= set(variables)
    secret = ("GATEWAY_API_KEY", "ASSESSMENT_TEST_PASSWORD", "SEARCH_API_KEY")
    assert {variables[name] for name in secret} == {""}
    for service in compose().values():
        for name, value in service.get("environment", {}).items():
            assert not re.search("PASSWORD|KEY|SECRET|TOKEN", name) or not value, name


def test_every_file_that_is_mounted_or_built_from_is_there() -> None:
    for service in compose().values():
        for volume in service.get("volumes", ()):
            assert (ROOT / volume.split(":")[0]).exists(), volume
    dockerfile = (FILES / "Dockerfile").read_text()
    for name in SERVICES:
        build = compose()[name]["build"]
        assert (ROOT / build["dockerfile"]) == FILES / "Dockerfile"
        assert f"FROM base AS {build['target']}\nEXPOSE {PORTS[name]}\n" in dockerfile
    for copied in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE):
        assert all((ROOT / path).exists() for path in copied.split())


def test_kong_leads_to_the_ports_where_services_listen_and_repeats_nothing() -> None:
    found = {service["name"]: service for service in kong()["services"]}
    assert {name: service["url"] for name, service in found.items()} == {
        name: f"http://{name}:{PORTS[name]}" for name in SERVICES
    }
    assert {service["retries"] for service in found.values()} == {0}
    scraped = yaml.safe_load((FILES / "prometheus.yml").read_text())["scrape_configs"][0]["static_configs"][0][
        "targets"
    ]
    assert scraped == [f"{name}:{PORTS[name]}" for name in SERVICES]


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_compose_environment_of_each_spec_goes_through_kong(path) -> None:
    spec = lint(str(path)).spec
    environment = spec.environments["compose"]
    assert urlsplit(environment.url).netloc == "127.0.0.1:8000"
    assert environment.ready.path == "/ready"
    (route,) = [
        route for service in kong()["services"] if service["name"] == spec.service for route in service["routes"]
    ]
    assert route["paths"] == [urlsplit(environment.url).path]
    assert route["strip_path"] is True
