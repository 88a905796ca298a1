"""From YAML to steps: addresses, defaults, names, sentences, and what is refused."""

import pytest

from perfspec.steps import Bind, Read, describe, names, walk
from perfspec.steps.kinds import ForEach, Pause, Request, WaitUntil, When

SECOND = 1_000_000_000
MS = 1_000_000


def test_a_request_is_read_with_its_place(steps_of) -> None:
    (step,) = steps_of("- get: /a?x=1\n  name: a\n  timeout: 2s")
    assert isinstance(step, Request)
    assert (step.at, step.name, step.method, step.path.source) == ("flows.buy.a", "a", "GET", "/a?x=1")
    assert (step.span.line, step.span.column, step.name_span.line) == (10, 9, 11)
    assert step.timeout_ns == 2 * SECOND


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
def test_every_method_is_a_verb(steps_of, method) -> None:
    (step,) = steps_of(f"- {method}: /a")
    assert isinstance(step, Request)
    assert (step.method, step.name) == (method.upper(), f"{method} /a")


@pytest.mark.parametrize(
    ("path", "name"),
    [("/a/b", "get /a/b"), ("/a?x=${word}", "get /a"), ('"/${values.region}/a"', "get /${values.region}/a")],
)
def test_a_name_is_made_of_method_and_path_where_none_is_given(steps_of, path, name) -> None:
    (step,) = steps_of(f"- get: {path}", "data: {word: {choice: [x]}}\ndefaults: {}")
    assert isinstance(step, Request)
    assert step.name == name


@pytest.mark.parametrize("until", ["", "\n  until: {$.done: true}"])
def test_a_path_that_varies_needs_a_name(told, spec_text, until) -> None:
    found = told(spec_text("- get: /a/${word}/b" + until, "data: {word: {choice: [x]}}\ndefaults: {}"))
    assert found == [
        (
            "10:14 PS404 a path with `${...}` needs a `name`, or every address becomes a row of its own"
            " | add `name: ` and what reports and thresholds should call it"
        )
    ]


def test_defaults_are_filled_in_and_a_step_wins_over_them(steps_of) -> None:
    more = "data: {}\ndefaults: {timeout: 5s, auth: 'bearer ${secret.key}', headers: {X-A: '1', x-b: '2'}}"
    plain, own, open_ = steps_of(
        """
        - get: /a
        - get: /b
          timeout: 1s
          auth: bearer abc${user.number}
          headers: {X-B: mine}
          tags: {lang: de}
        - get: /c
          auth: none
        """,
        more,
    )
    assert isinstance(plain, Request)
    assert plain.timeout_ns == 5 * SECOND
    assert [(k, t.source) for k, t in plain.headers] == [
        ("X-A", "1"),
        ("x-b", "2"),
        ("Authorization", "Bearer ${secret.key}"),
    ]
    assert own.timeout_ns == SECOND
    assert [(k, t.source) for k, t in own.headers] == [
        ("X-A", "1"),
        ("Authorization", "Bearer abc${user.number}"),
        ("X-B", "mine"),
    ]
    assert [(k, t.source) for k, t in own.tags] == [("lang", "de")]
    assert [k for k, _ in open_.headers] == ["X-A", "x-b"]


def test_without_defaults_a_request_waits_thirty_seconds(steps_of) -> None:
    assert steps_of("- get: /a")[0].timeout_ns == 30 * SECOND


def test_basic_authentication_takes_a_user_and_a_password(told, spec_text) -> None:
    assert told(spec_text("- get: /a\n  auth: basic perf")) == [
        "11:15 PS209 `basic` takes a user and a password with `:` between them | write `basic perf:${secret.password}`"
    ]
    assert told(spec_text("- get: /a\n  auth: 'basic u:${secret.key}'")) == []


NESTED = """
- get: /a
  name: a
- pause: 1s
- for_each: ${hits}
  as: hit
  steps:
    - get: /b
      name: b
    - pause: 2s
    - when: ${hit}
      steps: [{pause: 1s}]
      otherwise: [{pause: 3s}]
- get: /job
  name: job
  until: {$.done: true}
"""
HITS = "setup: [{get: /s, name: s, capture: {hits: $.hits}}]\ndefaults: {}"


def addresses(steps) -> dict[str, str]:
    """Address -> sentence."""
    return {step.at: describe(step) for step in walk(steps)}


def test_addresses_say_where_a_step_is(steps_of) -> None:
    assert list(addresses(steps_of(NESTED, HITS))) == [
        "flows.buy.a",
        "flows.buy.pause",
        "flows.buy.each-hit",
        "flows.buy.each-hit.b",
        "flows.buy.each-hit.pause",
        "flows.buy.each-hit.when",
        "flows.buy.each-hit.when.pause",
        "flows.buy.each-hit.when.otherwise.pause",
        "flows.buy.job.wait",
    ]


@pytest.mark.parametrize("line", range(len(NESTED.strip("\n").splitlines()) + 1))
def test_addresses_stay_when_an_unrelated_step_is_put_in(steps_of, line) -> None:
    lines = NESTED.strip("\n").splitlines()
    deeper = [i for i, text in enumerate(lines) if text.lstrip().startswith("- ")] + [len(lines)]
    if line not in deeper:
        line = min(i for i in deeper if i > line)
    depth = len(lines[line]) - len(lines[line].lstrip()) if line < len(lines) else 0
    lines.insert(line, " " * depth + "- {get: /new, name: new}")
    before, after = addresses(steps_of(NESTED, HITS)), addresses(steps_of("\n".join(lines), HITS))
    assert before.items() < after.items()
    (added,) = after.keys() - before.keys()
    assert added.endswith(".new")


def test_equal_labels_are_numbered_so_that_addresses_are_unique(steps_of) -> None:
    steps = steps_of("- {get: /a, name: a}\n- pause: 1s\n- {get: /a, name: a}\n- pause: 1s\n- pause: 1s")
    assert list(addresses(steps)) == [
        "flows.buy.a",
        "flows.buy.pause",
        "flows.buy.a#2",
        "flows.buy.pause#2",
        "flows.buy.pause#3",
    ]


def test_sentences_say_what_a_step_does(steps_of) -> None:
    steps = steps_of(
        """
        - post: /a?x=${hits}
          name: a
        - pause: 1s to 2500ms
        - pause: about 2s
        - pause: 90s
        - for_each: ${hits}
          as: hit
          steps: [{get: /b}]
        - when: ${hits == "x"}
          steps: [{get: /c}]
        - get: /job
          name: job
          until: {status: 200, header X-State: contains ok, $.done: not empty}
          every: 500ms
          give_up_after: 1m30s
        """,
        HITS,
    )
    assert [describe(step) for step in steps] == [
        "send POST /a?x=${hits} as `a`",
        "pause 1s to 2.5s",
        "pause about 2s",
        "pause 1m30s",
        "for each `hit` of ${hits}",
        'when ${hits == "x"}',
        (
            "send GET /job as `job` every 500ms until status 200 and header X-State contains ok and $.done not empty,"
            " for at most 1m30s"
        ),
    ]
    capped = Pause(at="p", span=steps[1].span, range=steps[1].range, cap_ns=100 * MS)
    assert describe(capped) == "pause 1s to 2.5s, at most 100ms"


def test_names_come_in_the_order_they_are_read_and_bound(steps_of) -> None:
    steps = steps_of(
        """
        - post: /a/${hits}
          name: a
          query: {q: "${user.number}"}
          json: {k: [1, "x${round.number}"]}
          expect: {$.id: "${run.id}", $.n: ["${values.region}", 2]}
          capture: {token: $.token}
        - for_each: ${split(token, ",")}
          as: part
          steps:
            - when: ${part != token}
              steps: [{get: "/p", query: {p: "${part}"}}]
        - get: /job
          name: job
          until: {$.id: "${token}"}
          capture: {state: header X-State or none}
        """,
        HITS,
    )
    found = [n.path.dotted if isinstance(n, Read) else f"{n.what} {n.name}" for n in names(steps)]
    assert found == [
        "hits",
        "user.number",
        "round.number",
        "run.id",
        "values.region",
        "capture token",
        "token",
        "loop part",
        "part",
        "token",
        "part",
        "token",
        "capture state",
    ]


def test_names_know_their_place(steps_of) -> None:
    steps = steps_of("- get: /a?x=${hits}\n  capture: {id: $.id}", HITS)
    read, bound = names(steps)
    assert isinstance(read, Read)
    assert isinstance(bound, Bind)
    assert (str(read.span), read.span.end_column) == ("s.yaml:10:21", 25)
    assert str(bound.span) == "s.yaml:11:19"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("- for_each: hits", "10:19 PS305 `for_each` takes one `${...}` | write `for_each: ${hits}`"),
        ("- when: a ${hits}", "10:15 PS305 `when` takes one `${...}` | put the whole of it into one `${ }`"),
        ("- when: ${hits ==}", "10:24 PS305 something is missing here | write a name or a value"),
        ("- pause: 2", "10:16 PS201 `pause` needs a unit | write 2s or 2ms"),
        (
            "- get: /a\n  capture: {x: css a@href}",
            "11:26 PS204 an attribute stands behind a blank and `@` | write `css a @href`",
        ),
        (
            "- get: /a\n  capture:\n    x: css #id a",
            '12:14 PS204 `css` needs a pattern behind it | write `css a @href`; in quotes if it has a `#`: "css #id"',
        ),
        (
            "- get: /a\n  capture: {x: 'regex a(?=b)'}",
            (
                "11:30 PS220 `(?=` looks ahead or behind, which RE2 cannot | match the whole, with `( )` around the "
                "wanted part"
            ),
        ),
    ],
)
def test_what_cannot_be_read_is_said_where_it_stands(told, spec_text, step, said) -> None:
    rest = "\n  as: hit" if "for_each" in step else ""
    assert told(spec_text(step + rest, HITS)) == [said]


@pytest.mark.parametrize(
    ("option", "column"),
    [
        ("query: {'${hits}': a}", 17),
        ("headers: {'${hits}': a}", 19),
        ("form: {'${hits}': a}", 16),
        ("tags: {'${hits}': a}", 16),
    ],
)
def test_a_name_cannot_be_drawn(told, spec_text, option, column) -> None:
    said = told(spec_text(f"- post: /a\n  {option}", HITS))
    assert said == [f"11:{column} PS113 a name cannot hold `${{...}}` | put it into the value"]


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("2xx", "write `between 200 and 299`"),
        ("ok", "write 200 or [200, 201]"),
        ("[200, ok]", "write 200 or [200, 201]"),
        ("700", "write 200 or [200, 201]"),
        ("present", "write 200 or [200, 201]"),
    ],
)
def test_a_status_is_a_number(told, spec_text, wanted, hint) -> None:
    said = told(spec_text(f"- get: /a\n  expect: {{status: {wanted}}}", HITS))
    assert said == [f"11:26 PS203 a status is a number from 100 to 599 | {hint}"]


def test_what_is_no_step_is_left_out_and_its_siblings_are_read(steps_of) -> None:
    broken = ["5", "{}", "{get: [1]}", "{get: [1], until: {}}", "{pause: {a: 1}}", "{for_each: 1}", "{when: [1]}"]
    steps = steps_of("\n".join(f"- {text}" for text in [*broken, "{get: /a}"]))
    assert [describe(step) for step in steps] == ["send GET /a as `get /a`"]


def test_a_wait_has_a_pace_and_an_end_where_none_is_said(steps_of) -> None:
    (step,) = steps_of("- get: /job\n  until: {$.done: true}")
    assert isinstance(step, WaitUntil)
    assert (step.every_ns, step.give_up_after_ns) == (SECOND, 30 * SECOND)


def test_children_are_walked_after_their_parents(steps_of) -> None:
    kinds = [type(step) for step in walk(steps_of(NESTED, HITS))]
    assert kinds == [Request, Pause, ForEach, Request, Pause, When, Pause, Pause, WaitUntil]


@pytest.mark.parametrize("option", ["expect: {$..id: present}", "capture: {x: '$.a[?@.b > 1].c'}"])
def test_a_path_that_looks_at_much_is_told_where_it_runs_often(findings, spec_text, option) -> None:
    def said(*spec: str) -> list[tuple[str, str]]:
        return [(d.code, d.severity.name) for d in findings(spec_text(*spec)) if d.code != "PS310"]

    assert said(f"- get: /a\n  {option}") == [("PS451", "WARNING")]
    assert said("- get: /a", f"setup: [{{get: /s, {option}}}]\ndata: {{}}") == []
    assert said("- get: /a\n  capture: {x: 'all $.a[*].b', y: '$.a[1:3]'}") == []


@pytest.mark.parametrize(
    ("option", "hidden"),
    [
        ('json: {user: a, password: ["${secret.key}"]}', True),
        ('form: {password: "${secret.key}"}', True),
        ("body: key=${secret.key}", True),
        ('json: {user: "${user.number}"}', False),
        ('headers: {X-Key: "${secret.key}"}', False),
    ],
)
def test_what_comes_back_for_a_secret_is_a_secret(steps_of, option, hidden) -> None:
    (step,) = steps_of(f"- post: /a\n  {option}\n  capture: {{token: $.token, id: secret $.id}}")
    assert [c.capture.secret for c in step.capture] == [hidden, True]
