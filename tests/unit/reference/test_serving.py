import re
import socket
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from perfspec.base.errors import EnvironmentFailure, ExitCode, UsageFailure
from perfspec.cli.serve import serve
from perfspec.reference.application import Settings
from perfspec.reference.catalogue import PORTS, load
from perfspec.reference.index import DocumentIndex
from perfspec.reference.serving import _listen, serve_apps

VARIABLES = (
    "DATABASE_URL",
    "REDIS_URL",
    "SEARCH_URL",
    "GATEWAY_API_KEY",
    "SEARCH_API_KEY",
    "ASSESSMENT_TEST_PASSWORD",
)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def never(_: str) -> None:
    pytest.fail("nothing may listen")


def call(*arguments: str) -> None:
    serve.main(list(arguments), standalone_mode=False)


def test_a_port_in_use_is_an_environment_failure_with_a_way_out(taken_port: int) -> None:
    with pytest.raises(EnvironmentFailure, match=f"port {taken_port} on 127.0.0.1 is already in use") as caught:
        serve_apps([(None, taken_port)], "127.0.0.1", never)
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert "--port" in caught.value.hint


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(EnvironmentFailure, match=re.escape("cannot listen on 192.0.2.1, port 0: ")):
        serve_apps([(None, 0)], "192.0.2.1", never)


def test_small_answers_are_sent_at_once_on_every_connection() -> None:
    with (
        _listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as connection,
    ):
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_command_refuses_wrong_faults_before_it_starts_anything(taken_port: int) -> None:
    with pytest.raises(UsageFailure, match="knows no endpoint `sugest`"):
        call("search", "--port", str(taken_port), "--slow", "sugest=1s")


def test_the_command_knows_its_services() -> None:
    with pytest.raises(click.BadParameter, match="'serch' is not one of 'gateway', 'assessment', 'search', 'all'"):
        call("serch")


def test_the_help_names_every_option_and_the_endpoints() -> None:
    text = CliRunner().invoke(serve, ["--help"]).output
    for word in ("--host", "--port", "--seed", "--api-key", "SEARCH_API_KEY", "--slow", "--errors", "--stall", "--log"):
        assert word in text
    for service, port in PORTS.items():
        assert str(port) in text
        assert all(endpoint in text for endpoint in load(service).endpoints)


@pytest.mark.parametrize(
    ("arguments", "environment", "key"),
    [
        ([], None, "perf-local-key"),
        ([], "", "perf-local-key"),
        ([], "from-environment", "from-environment"),
        (["--api-key", "said"], "from-environment", "said"),
    ],
)
def test_the_key_is_the_one_said_then_the_environments_then_the_default(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: str | None, key: str
) -> None:
    seen: dict[str, object] = {}
    monkeypatch.setattr("perfspec.reference.search.search_app", lambda _, **options: seen.update(options))
    monkeypatch.setattr("perfspec.reference.serving.serve_apps", lambda *_: None)
    monkeypatch.delenv("SEARCH_API_KEY", raising=False)
    if environment is not None:
        monkeypatch.setenv("SEARCH_API_KEY", environment)
    call("search", *arguments)
    assert seen["api_key"] == key


def test_all_of_them_have_ports_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr("perfspec.reference.serving.serve_apps", lambda apps, *_: seen.extend(port for _, port in apps))
    for arguments in ([], ["--port", "20000"], ["--port", "0"]):
        call("all", *arguments)
    assert seen == [8081, 8082, 8083, 20000, 20001, 20002, 0, 0, 0]


def test_stores_are_those_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}
    monkeypatch.setattr("perfspec.reference.gateway.gateway_app", lambda _, **options: seen.update(options))
    monkeypatch.setattr("perfspec.reference.search.search_app", lambda _, **options: seen.update(options))
    monkeypatch.setattr("perfspec.reference.assessment.assessment_app", lambda _, **options: seen.update(options))
    monkeypatch.setattr("perfspec.reference.serving.serve_apps", lambda *_: None)
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "SEARCH_URL",
        "GATEWAY_API_KEY",
        "SEARCH_API_KEY",
        "ASSESSMENT_TEST_PASSWORD",
    ):
        monkeypatch.delenv(name, raising=False)
    call("all")
    assert seen == {
        "api_key": "perf-local-key",
        "search_url": None,
        "redis_url": None,
        "password": "perf-local-password",
        "database_url": "sqlite://",
    }
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "SEARCH_URL",
        "GATEWAY_API_KEY",
        "SEARCH_API_KEY",
        "ASSESSMENT_TEST_PASSWORD",
    ):
        monkeypatch.setenv(name, f"from {name}")
    call("all")
    assert seen == {
        "api_key": "from SEARCH_API_KEY",
        "search_url": "from SEARCH_URL",
        "redis_url": "from REDIS_URL",
        "password": "from ASSESSMENT_TEST_PASSWORD",
        "database_url": "from DATABASE_URL",
    }


@pytest.mark.parametrize(
    ("service", "variable", "message"),
    [
        ("gateway", "REDIS_URL", "REDIS_URL is no address of a Redis"),
        ("assessment", "DATABASE_URL", "DATABASE_URL is no address of a SQLite or a PostgreSQL database"),
        ("search", "SEARCH_URL", "SEARCH_URL is no address of an Elasticsearch"),
    ],
)
def test_an_address_of_no_store_is_told_by_its_variable(service: str, variable: str, message: str) -> None:
    with pytest.raises(EnvironmentFailure, match=message) as caught:
        load(service).build(Settings(), {variable: "nonsense"}, None)
    assert caught.value.exit_code is ExitCode.ENVIRONMENT


def test_a_missing_extra_is_told_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for loaded in [name for name in sys.modules if name.startswith("perfspec.reference.")]:
        monkeypatch.delitem(sys.modules, loaded, raising=False)
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    with pytest.raises(UsageFailure, match=re.escape('pip install "perfspec[reference]"')) as caught:
        call("search")
    assert 'pip install ".[reference]"' in caught.value.hint


def test_a_sqlite_without_full_text_search_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfspec.reference.index._TABLES", "CREATE VIRTUAL TABLE content USING fts99 (title);")
    with pytest.raises(EnvironmentFailure, match="FTS5"):
        DocumentIndex([])
