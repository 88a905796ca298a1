"""The rule that nothing is passed over in silence, on small suites of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
SAYS_WHY = "def test_a(not_checked_here): not_checked_here('no moon')"
SCHEMA = "def test_a(published_schema): published_schema('no-such-schema.json')"
UNSAID = "import pytest\n@pytest.mark.skip\ndef test_a(): ..."
SHRUGS = "import pytest\ndef test_a(): pytest.skip()"
OTHER = "import pytest\n@pytest.mark.skipif(True, reason='no tide')\ndef test_a(): ..."
WHOLE_FILE = "import pytest\npytest.skip('no sea', allow_module_level=True)"
EXPECTED = "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_a(): assert False"
SUITES = [
    (SAYS_WHY, "0", 0, "not checked here: no moon"),
    (SAYS_WHY, "1", 1, "not checked here: no moon"),
    (SCHEMA, "1", 0, "not checked here: no no-such-schema.json in ../shared/schemas (not required)"),
    (OTHER, "0", 0, "not checked here: no tide"),
    (OTHER, "1", 1, "not checked here: no tide"),
    (WHOLE_FILE, "1", 1, "not checked here: no sea"),
    (UNSAID, "0", 1, "test_suite.py::test_a was skipped without a reason, which fails the run"),
    (SHRUGS, "0", 1, "test_suite.py::test_a was skipped without a reason, which fails the run"),
    (EXPECTED, "1", 0, "1 xfailed"),
    ("def test_a(): ...", "1", 0, "1 passed"),
    ("def test_a(): assert False", "0", 1, "1 failed"),
]


@pytest.mark.parametrize(("suite", "fatal", "status", "said"), SUITES)
def test_a_skipped_test_is_told_and_fails_the_run_where_that_is_wanted(tmp_path, suite, fatal, status, said):
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text())
    (tmp_path / "test_suite.py").write_text(suite)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "."]
    surroundings = {**os.environ, "PERFSPEC_NOT_CHECKED_IS_FATAL": fatal, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
    assert said in done.stdout
    assert done.returncode == status
