"""What starting perfspec must not load: the command line has to answer at once."""

import json
import subprocess
import sys

import pytest

HEAVY = {"anyio", "faker", "httpx", "jsonschema", "rich", "starlette", "uvicorn", "yaml"}
SHOWS_MODULES = """
import json, sys
from perfspec.cli import main
sys.argv = ["perfspec", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    print(json.dumps({"status": end.code, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_the_first_answer_of_the_command_line_loads_nothing_heavy(flag):
    done = subprocess.run([sys.executable, "-c", SHOWS_MODULES, flag], capture_output=True, text=True, check=True)
    end = json.loads(done.stdout.splitlines()[-1])
    assert end["status"] == 0, done.stderr
    assert HEAVY.intersection(end["modules"]) == set()
    assert "perfspec" in done.stdout


def test_a_run_loads_neither_a_database_nor_a_second_http_client_before_it_needs_one():
    program = "import json, sys, perfspec.cli.run; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(json.loads(done.stdout))
    assert "perfspec.engine.reactor" in modules
    assert modules & {"httpx", "rich", "sqlalchemy"} == set()
