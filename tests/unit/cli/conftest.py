import pytest
from click.testing import CliRunner, Result

from perfspec.cli import perfspec


@pytest.fixture
def call(tmp_path, monkeypatch):
    """The command line inside this process, in an empty folder. `exit_code` is what `main` would end with."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
        result = CliRunner().invoke(perfspec, list(arguments), input=stdin, standalone_mode=False)
        result.exit_code = int(result.return_value or 0) if result.exception is None else result.exit_code
        return result

    return run
