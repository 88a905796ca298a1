"""`perfspec ready`: one table over environments and what they depend on; `run` asks the same before any load."""

import pytest

SPEC = """\
perfspec: 1
service: {service}
environments:
  local: {{url: '{url}', ready: /ready}}
  started: {{url: 'http://127.0.0.1:{free}', start: {{command: perfspec serve {service}, ready: /health}}}}
  away: {{url: 'http://127.0.0.1:{free}', ready: /ready}}
  plain: {{url: '{url}'}}
flows:
  look: {{steps: [{{get: /health, name: look}}]}}
stages:
  smoke: {{phases: [{{name: check, for: 2s, users: 2}}]}}
thresholds: {{look: {{p95: at most 2s}}}}
"""


@pytest.fixture
def specs(tmp_path, free_port):
    """A folder of specs, by service and address."""

    def write(**urls: str):
        folder = tmp_path / "specs"
        folder.mkdir(exist_ok=True)
        for service, url in urls.items():
            (folder / f"{service}.yaml").write_text(SPEC.format(service=service, url=url, free=free_port()))
        return tmp_path, [f"specs/{service}.yaml" for service in urls]

    return write


def rows(ended) -> dict[tuple[str, str], list[str]]:
    lines = [line.split(maxsplit=2) for line in ended.out.splitlines()[1:]]
    return {(service, environment): " ".join(rest.split()) for service, environment, rest in lines}


def test_every_environment_and_dependency_is_in_one_table(perfspec, reference, redis_store, specs) -> None:
    with reference("gateway", REDIS_URL=redis_store.url) as gateway, reference("search") as search:
        folder, names = specs(gateway=gateway.url, search=search.url)
        ended = perfspec.command(folder, "ready", *names)
        assert ended.code == 0, ended.out
        assert rows(ended) == {
            ("gateway", "local"): f"ready redis up {gateway.url} GET /ready succeeds",
            ("search", "local"): f"ready index up {search.url} GET /ready succeeds",
        }
        redis_store.kill()
        ended = perfspec.command(folder, "ready", *names)
        assert ended.code == 4
        said = f"not ready redis down {gateway.url} GET /ready answered 503 (redis is down)"
        assert rows(ended)["gateway", "local"] == said
        assert rows(ended)["search", "local"].startswith("ready")

        environments = [word for name in ("started", "away", "plain", "moon") for word in ("--env", name)]
        ended = perfspec.command(folder, "ready", "specs/search.yaml", *environments)
        assert ended.code == 2
        found = {name: text for (_, name), text in rows(ended).items()}
        assert found["started"].startswith("starts - http://127.0.0.1:")
        assert found["started"].endswith("a run starts it: perfspec serve search")
        assert found["away"].endswith("nothing answers there")
        assert found["plain"] == f"ready - {search.url} it takes connections; the spec names no `ready` to ask"
        assert found["moon"] == "unknown - - the spec has no such environment"


def test_a_run_names_the_dependency_that_is_down_and_sends_no_load(perfspec, reference, redis_store, specs) -> None:
    with reference("gateway", REDIS_URL=redis_store.url) as gateway:
        redis_store.kill()
        folder, (name,) = specs(gateway=gateway.url)
        path = folder / name
        path.write_text(path.read_text().replace("ready: /ready}", "ready: {get: /ready, within: 1s}}", 1))
        ended = perfspec.command(folder, "run", name, "--quiet")
        assert ended.code == 4
        assert f"not ready within 1s: GET {gateway.url}/ready answered 503 (redis is down)" in ended.err


def test_a_spec_with_mistakes_is_told_as_lint_tells_it(perfspec, specs) -> None:
    folder, (name,) = specs(search="http://127.0.0.1:1")
    (folder / name).write_text((folder / name).read_text().replace("flows:", "flaws:"))
    ended = perfspec.command(folder, "ready", name)
    assert ended.code == 2
    assert f"{name}:8:1" in ended.err
