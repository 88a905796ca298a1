"""A whole spec, typed: defaults filled in once, what is broken left out, its siblings read."""

from fractions import Fraction

import pytest

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.language.compose import compose
from perfspec.load import Users
from perfspec.spec.model import Ready
from perfspec.spec.reading import read

SECOND = 1_000_000_000

SPEC = """
service: shop
about: Buying things
owner: shop-qa
random_seed: 4107
environments:
  local:
    url: http://127.0.0.1:8083/
    start: {command: run it, within: 10s}
  staging: {url: "https://s.example.com/api", ready: /ready, values: {p95: 100ms, region: eu}, limits: {users: 50}}
  live: {url: "https://example.com", stages: [load], confirm: this is production}
secrets: {key: SHOP_KEY, token: {from_env: TOKEN, when_local: local-token}}
defaults: {timeout: 5s, auth: bearer abc}
data: {word: {choice: [a, b]}}
setup: [{get: /login, name: login}]
flows:
  browse: {weight: 2.5, steps: [{get: /a, name: a}, {pause: 1s}]}
  buy: {steps: [{post: /b, name: b}]}
teardown: [{delete: /all}]
stages:
  load:
    warmup: 3s
    extend_to: 2m
    pauses: at most 100ms
    warn_only: latency
    fails_when: not clearly under
    mix: {browse: 30%, buy: 70%}
    phases:
      - {name: up, for: 1m, users: ramp 0 to 5, measure: false}
      - {for: 30s, users: 5}
    thresholds: {a: {p95: at most 90ms}}
    abort: [errors threshold fails, no responses for 15s]
thresholds: {a: {p95: at most 120ms, errors: under 1%}}
slo: {period: 30d}
"""


@pytest.fixture(scope="module")
def spec(spec_of):
    return spec_of(SPEC)


def test_the_head_of_a_spec(spec) -> None:
    assert (spec.path, spec.service, spec.about, spec.owner, spec.seed) == (
        "s.yaml",
        "shop",
        "Buying things",
        "shop-qa",
        4107,
    )
    assert spec.slo is not None


def test_environments_in_their_order(spec) -> None:
    local, staging, live = spec.environments.values()
    assert (local.url, local.ready, local.stages, local.confirm) == ("http://127.0.0.1:8083", None, None, None)
    assert (local.start.command, local.start.ready, local.start.within_ns) == ("run it", "/", 10 * SECOND)
    assert (staging.ready, staging.most_users, staging.start) == (Ready("/ready", (), 30 * SECOND), 50, None)
    assert {name: value.text for name, value in staging.values.items()} == {"p95": "100ms", "region": "eu"}
    assert (live.stages, live.confirm) == (("load",), "this is production")
    assert str(local.url_span) == "s.yaml:8:10"


def test_secrets_in_both_forms(spec) -> None:
    found = {s.name: (s.from_env, s.when_local) for s in spec.secrets.values()}
    assert found == {"key": ("SHOP_KEY", None), "token": ("TOKEN", "local-token")}


def test_flows_with_weights_and_defaults(spec) -> None:
    assert {f.name: f.weight for f in spec.flows.values()} == {"browse": 2.5, "buy": 1.0}
    first = spec.flows["browse"].steps[0]
    assert (first.at, first.timeout_ns) == ("flows.browse.a", 5 * SECOND)
    assert spec.setup[0].at == "setup.login"
    assert spec.teardown[0].at == "teardown.delete /all"
    assert spec.setup[0].headers[0][1].source == "Bearer abc"


def test_a_stage(spec) -> None:
    stage = spec.stages["load"]
    assert [(p.name, p.for_ns, p.shape, p.measured) for p in stage.phases] == [
        ("up", 60 * SECOND, Users(0, 5), False),
        ("phase 2", 30 * SECOND, Users(5, 5), True),
    ]
    assert (stage.warmup_ns, stage.extend_to_ns, stage.pause_cap_ns) == (3 * SECOND, 120 * SECOND, 100_000_000)
    assert (stage.warn_only, stage.only_proven, stage.search) == ("latency", True, None)
    assert stage.mix == {"browse": 0.3, "buy": 0.7}
    assert [rule.kind for rule in stage.abort] == ["threshold", "no responses"]
    assert [p.limit.source for p in stage.promises] == ["at most 90ms"]


def test_the_table_of_thresholds(spec) -> None:
    p95, errors = spec.promises
    assert (p95.row.text, p95.cell.quantile, p95.limit.source) == ("a", Fraction(19, 20), "at most 120ms")
    assert (str(p95.row_span), str(p95.span), errors.cell.statistic) == ("s.yaml:33:14", "s.yaml:33:18", "errors")


def test_values_keep_their_types(spec_of) -> None:
    values = "a: 1, b: 1.5, c: true, d: null, e: '1', f: text"
    spec = spec_of(SPEC.replace("url: http://127.0.0.1:8083/", f"url: http://a\n    values: {{{values}}}"))
    found = {name: (v.text, v.value) for name, v in spec.environments["local"].values.items()}
    assert found == {
        "a": ("1", 1),
        "b": ("1.5", 1.5),
        "c": ("true", True),
        "d": ("null", None),
        "e": ("1", "1"),
        "f": ("text", "text"),
    }


BASIC = "write `defaults: {auth: 'basic USER:${secret.password}'}`"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("HTTP://127.0.0.1:8083/", "http://127.0.0.1:8083"),
        ("HttpS://Shop.test/Base/", "https://Shop.test/Base"),
        ("http://bücher.example:81/ü", "http://xn--bcher-kva.example:81/ü"),
        ("http://[::1]:8083", "http://[::1]:8083"),
    ],
)
def test_an_address_is_the_one_that_is_meant(spec_of, written, meant) -> None:
    assert spec_of(SPEC.replace("http://127.0.0.1:8083/", f'"{written}"')).environments["local"].url == meant


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "http://127.0.0.1:8083/",
            "http://a:808x",
            "8:10 PS113 `http://a:808x` is no address | write for example `http://127.0.0.1:8080`",
        ),
        (
            "http://127.0.0.1:8083/",
            "http://a:0",
            "8:10 PS113 `http://a:0` is no address | write for example `http://127.0.0.1:8080`",
        ),
        (
            "http://127.0.0.1:8083/",
            "http://${run.id}",
            "8:10 PS113 an address is written out; `${...}` is not looked into here | write the address itself",
        ),
        (
            "http://127.0.0.1:8083/",
            "http://me@a",
            f"8:10 PS113 an address says nobody's name: requests say who they are by `auth` | {BASIC}",
        ),
        (
            "http://127.0.0.1:8083/",
            "http://a..b",
            "8:10 PS113 `http://a..b` is no address | write for example `http://127.0.0.1:8080`",
        ),
        ("run it", "run 'it", "9:22 PS113 the command cannot be read: no closing quotation | close the quote"),
        (
            "local-token",
            "short",
            "12:63 PS702 the secret `token` has fewer than 6 characters and could not be masked | use a longer one",
        ),
    ],
)
def test_what_could_not_be_used_later_is_said_now(told, old, new, said) -> None:
    assert told(SPEC.replace(old, new, 1)) == [said]


def broken(text: str):
    out = Diagnostics()
    return read("s.yaml", compose(Source("s.yaml", text), out), out)


@pytest.mark.parametrize(
    "key", ["environments", "secrets", "data", "flows", "stages", "thresholds", "slo", "setup", "defaults"]
)
@pytest.mark.parametrize("value", ["5", "[a]", "{x: 5}", "{x: [1]}", "{x: {y: [1]}}"])
def test_what_has_the_wrong_shape_breaks_nothing_and_hides_no_sibling(key, value) -> None:
    spec = broken(f"service: shop\n{key}: {value}\nteardown: [{{get: /x, name: x}}]")
    assert spec.service == "shop"
    assert [step.at for step in spec.teardown] == ["teardown.x"]


def test_what_is_missing_is_empty_or_has_its_default() -> None:
    spec = broken("a: 1")
    assert (spec.service, spec.seed, spec.environments, spec.flows, spec.promises) == ("", 1, {}, {}, ())
    assert broken("random_seed: x").seed == broken("random_seed: true").seed == 1
    assert broken("flows: {f: {weight: true}, g: {weight: x}}").flows["f"].weight == 1.0


def test_phases_that_cannot_be_read_are_left_out() -> None:
    spec = broken("stages: {s: {phases: [5, {for: 0s, users: 5}, {for: 5, users: 5}, {for: 5s}, {for: 5s, users: 3}]}}")
    assert [p.name for p in spec.stages["s"].phases] == ["phase 5"]


def test_data_paths_are_relative_to_the_file_that_says_them() -> None:
    out = Diagnostics()
    root = compose(Source("specs/shared/s.yaml", "data: {a: {csv: ../../fixtures/a.csv}}"), out)
    assert [d.path for d in read("specs/s.yaml", root, out).data] == ["fixtures/a.csv"]
