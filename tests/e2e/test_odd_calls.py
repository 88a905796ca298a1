"""What is called in an odd way is answered like any other call: an exit code, a sentence, never a traceback."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOM = 4096
"""In a pipe; documents are longer."""
SPEC = (
    "perfspec: 1\nservice: shop\nenvironments: {local: {url: 'http://127.0.0.1:9'}}\n"
    "flows: {look: {steps: [{get: /, name: home}]}}\n"
    "stages: {smoke: {phases: [{for: 5s, users: 1}]}}\nthresholds: {home: {errors: under 1%}}\n"
)


def perfspec(folder: Path, *words: str | bytes, shell: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """`shell`: what stands behind the call, such as `>&-`."""
    argv: list[str | bytes] = [sys.executable, "-m", "perfspec", *words]
    if shell:
        argv = ["/bin/sh", "-c", f'exec "$@" {shell}', "sh", *argv]
    done = subprocess.run(
        argv, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.fixture
def spec(tmp_path) -> Path:
    (tmp_path / "shop.yaml").write_text(SPEC)
    return tmp_path


@pytest.mark.parametrize("where", [">&-", ">&- 2>&-"])
def test_where_nobody_can_read_the_verdict_the_exit_code_still_says_it(spec, where) -> None:
    assert perfspec(spec, "lint", "shop.yaml", shell=where).returncode == 0
    assert perfspec(spec, "fmt", "-", shell=f"{where} < shop.yaml").returncode == 0
    assert perfspec(spec, "run", "shop.yaml", shell=where).returncode == 4  # nobody answers there
    (run,) = (spec / "results").iterdir()
    assert json.loads((run / "result.json").read_bytes())["outcome"] == "NOT_STARTED"
    assert perfspec(spec, "report", str(run), "--format", "html", shell=where).returncode == 4


@pytest.mark.parametrize("where", ["> /dev/full", "> /dev/full 2>&1"])
def test_half_a_document_is_no_success_and_a_verdict_stays_one(spec, where) -> None:
    said = "" if "2>" in where else "what was printed could not be written whole: No space left on device"
    for words in (["lint", "shop.yaml"], ["fmt", "-"], ["schema"], ["plan", "shop.yaml"]):
        done = perfspec(spec, *words, shell=f"{where} < shop.yaml")
        assert (words, done.returncode) == (words, 4)
        assert said in done.stderr
    (spec / "bad.yaml").write_text("perfspec: 1\n")
    assert perfspec(spec, "lint", "bad.yaml", shell=where).returncode == 2
    assert perfspec(spec, "run", "shop.yaml", shell=where).returncode == 4  # nobody answers there
    (run,) = (spec / "results").iterdir()
    assert json.loads((run / "result.json").read_bytes())["outcome"] == "NOT_STARTED"
    result = json.loads((run / "result.json").read_bytes())
    (run / "result.json").write_text(json.dumps({**result, "outcome": "PASS", "exit_code": 0}))
    (run / "slices.jsonl").unlink()
    for form in ("text", "html", "junit"):
        done = perfspec(spec, "report", str(run / "result.json"), "--format", form, shell=where)
        assert (form, done.returncode) == (form, 4)
        assert said in done.stderr


def test_a_stream_that_does_not_wait_gets_everything(tmp_path) -> None:
    whole = perfspec(tmp_path, "schema").stdout.encode()
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, ROOM)
    os.set_blocking(write, False)
    argv = [sys.executable, "-m", "perfspec", "schema"]
    with subprocess.Popen(argv, stdout=write, stderr=subprocess.PIPE, cwd=tmp_path) as begun:
        os.close(write)
        got = [os.read(read, 1)]
        with pytest.raises(subprocess.TimeoutExpired):
            begun.wait(0.5)  # it stands before a pipe that is full
        while got[-1]:
            got.append(os.read(read, ROOM))
        _, errors = begun.communicate(timeout=30)
    os.close(read)
    assert b"".join(got) == whole
    assert (begun.returncode, errors) == (0, b"")


def test_whoever_reads_no_further_is_no_trouble(tmp_path) -> None:
    read, write = os.pipe()
    os.close(read)
    argv = [sys.executable, "-m", "perfspec", "schema"]
    done = subprocess.run(argv, stdout=write, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_name_that_is_no_text_is_refused(spec) -> None:
    odd = os.fsencode(spec) + b"/b\xffd.yaml"
    Path(os.fsdecode(odd)).write_text(SPEC)
    for command in ("lint", "plan", "run"):
        done = perfspec(spec, command, odd)
        assert done.returncode == 2
        assert r"b\udcffd.yaml is no UTF-8" in done.stderr


def test_a_locale_without_letters_shows_what_it_can(spec) -> None:
    (spec / "shöp.yaml").write_text(SPEC.replace("home}", "näme}"), encoding="utf-8")
    done = perfspec(spec, "lint", ".", PYTHONUTF8="0", LC_ALL="POSIX", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 2


@pytest.mark.parametrize("address", ["http://[", "http://shop.example:99999", "http://", "shop"])
def test_an_address_that_is_none_makes_no_spec(tmp_path, address) -> None:
    done = perfspec(tmp_path, "new", address)
    assert done.returncode == 2
    assert f"`{address}` is no address" in done.stderr


@pytest.mark.parametrize("address", ["postgresql://h:port/db", "://"])
def test_an_index_that_has_no_address_is_told(tmp_path, address) -> None:
    done = perfspec(tmp_path, "history", "--history", address)
    assert done.returncode == 4
    assert "the history's address cannot be read" in done.stderr


def test_what_never_ends_is_not_read(spec) -> None:
    os.mkfifo(spec / "pipe.yaml")
    done = perfspec(spec, "lint", "pipe.yaml")
    assert done.returncode == 2
    assert "pipe.yaml cannot be read: it is no file" in done.stderr
    endless = SPEC + "data: {rows: {csv: /dev/zero}}\n"
    (spec / "endless.yaml").write_text(endless)
    assert perfspec(spec, "lint", "endless.yaml").returncode == 2


@pytest.mark.parametrize("service", ["../../etc", "a/b", ".hidden", "two words", ""])
def test_a_service_is_a_name_and_no_path(spec, service) -> None:
    (spec / "shop.yaml").write_text(SPEC.replace("service: shop", f'service: "{service}"'))
    done = perfspec(spec, "lint", "shop.yaml")
    assert done.returncode == 2
    assert "shop.yaml:2:10" in done.stdout


def test_documents_that_no_run_writes_are_refused(tmp_path) -> None:
    document = tmp_path / "result.json"
    document.write_text('{"version": 99}')
    done = perfspec(tmp_path, "report", str(document))
    assert done.returncode == 2
    assert "is a result of version 99" in done.stderr


def test_reading_a_run_leaves_its_files_as_they_are(spec) -> None:
    assert perfspec(spec, "run", "shop.yaml", "--junit-file-attr").returncode == 4
    (run,) = (spec / "results").iterdir()
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    assert b" file=" in before["junit.xml"]
    stamps = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    perfspec(spec, "report", str(run), "--format", "markdown")
    perfspec(spec, "compare", str(run), str(run))
    assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == stamps
    perfspec(spec, "report", str(run))
    assert (run / "junit.xml").read_bytes() == before["junit.xml"]


def test_what_a_service_prints_of_a_secret_is_not_kept(spec) -> None:
    told = 'printf "key %s at once, %s in pieces" "$SHOP_KEY" "$(printf %s $SHOP_KEY | base64)"; sleep 0.2; exit 3'
    (spec / "service.sh").write_text(told + "\n")
    (spec / "shop.yaml").write_text(
        SPEC.replace(
            "{local: {url: 'http://127.0.0.1:9'}}",
            "{local: {url: 'http://127.0.0.1:9', start: {command: sh service.sh}}}\nsecrets: {key: SHOP_KEY}",
        ).replace("name: home", "name: home, headers: {X-Key: '${secret.key}'}")
    )
    done = perfspec(spec, "run", "shop.yaml", SHOP_KEY="s3cret-of-the-shop")
    assert done.returncode == 4, done.stdout + done.stderr
    (run,) = (spec / "results").iterdir()
    assert (run / "service.log").read_text() == "key *** at once, *** in pieces"
    assert not any(b"s3cret-of" in path.read_bytes() for path in run.iterdir())
    assert "s3cret-of" not in done.stdout + done.stderr
