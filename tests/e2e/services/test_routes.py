"""Kong's routes on a real nginx: specs' compose environments reach the services, and a run through them passes.

nginx is no Kong: what is shown is that the paths of the declarative file lead where they should.
"""

import importlib.util
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import pytest
import yaml

ROOT = Path(__file__).parents[3]
KEY = {"Authorization": "Bearer perf-local-key"}
SERVICES = ("gateway", "assessment", "search")


def translate(kong, port, where, folder) -> str:
    spec = importlib.util.spec_from_file_location("kong_to_nginx", ROOT / "scripts/kong_to_nginx.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.nginx(kong, port, where, folder)


def declared() -> dict:
    return yaml.safe_load((ROOT / "fixtures/compose/kong.yml").read_text())


@pytest.fixture(scope="module")
def entrance(reference, free_port, not_checked_here, tmp_path_factory):
    """The three services behind nginx."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
    if program is None:
        not_checked_here("nginx is missing")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    with reference("gateway") as gateway, reference("assessment") as assessment, reference("search") as search:
        urls = {"gateway:8081": gateway.url, "assessment:8082": assessment.url, "search:8083": search.url}
        where = {name: url.removeprefix("http://") for name, url in urls.items()}
        (folder / "nginx.conf").write_text(translate(declared(), port, where, folder))
        command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 10
            while True:
                try:
                    assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code == 404
                    break
                except httpx.ConnectError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def test_each_path_leads_to_its_service_without_its_prefix(entrance) -> None:
    for service in SERVICES:
        answer = httpx.get(f"{entrance}/{service}/health", trust_env=False)
        assert answer.json() == {"status": "ok", "service": service}
    asked = {"model": "gpt-4", "prompt": "why", "stream": True}
    streamed = httpx.post(f"{entrance}/gateway/v1/generate", json=asked, headers=KEY, trust_env=False)
    assert streamed.text.endswith("data: [DONE]\n\n")
    found = httpx.get(f"{entrance}/search/v1/query?q=m%C3%A9t%C3%A9o+demain", headers=KEY, trust_env=False)
    assert found.json()["total"] > 0
    assert httpx.get(f"{entrance}/search/v1/query?q=tea", trust_env=False).status_code == 401


def test_the_compose_environment_of_a_spec_is_ready_and_a_run_through_it_passes(
    entrance, perfspec, search_spec, new_folder
) -> None:
    folder = search_spec(new_folder("compose"), f"{entrance}/search")
    ready = perfspec.command(folder, "ready", "specs/search.yaml")
    assert (ready.code, "index up" in ready.out) == (0, True), ready.out + ready.err
    ended = perfspec(folder, "--quiet")
    assert ended.code == 0, ended.out + ended.err
    assert ended.summary("query")["failed"] == 0 < ended.summary("query")["n"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"plugins": [{"name": "key-auth"}]}, "the file: plugins cannot be carried over"),
        ({"services": [{"name": "a", "url": "http://a:1", "retries": 5, "routes": []}]}, "repeats requests"),
        ({"services": [{"name": "a", "url": "http://a:1/x", "retries": 0, "routes": []}]}, "no path is carried over"),
        ({"services": [{"name": "a", "url": "http://a:1", "retries": 0, "routes": [], "tags": []}]}, "service a: tags"),
    ],
)
def test_what_nginx_would_not_try_is_refused(change, message, tmp_path) -> None:
    with pytest.raises(ValueError, match=message):
        translate(declared() | change, 1, {"a:1": "127.0.0.1:1"}, tmp_path)
