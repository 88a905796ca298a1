"""Of what failed, the first texts: of each kind, and of each step up to a few."""

from perfspec.engine.unsendable import all_of, kind_of_key, note
from perfspec.steps.runtime import Call, Origin, Vars


def call(name: str) -> Call:
    return Call(name, Origin("a", 1, "b"), 1, False, False, lambda _: b"", where=f"s.yaml:{len(name)}",
                conceal=lambda text, names: text.replace(str(names["token"]), "***"))  # fmt: skip


def told(first_errors: dict[str, str]) -> list[str]:
    return [f"{kind_of_key(key)}: {text}" for key, text in first_errors.items()]


def test_each_step_is_told_once_for_each_kind_and_three_steps_at_most() -> None:
    first: dict[str, str] = {}
    for kind in ("protocol", "tls"):
        for name in ("a", "aa", "a", "aaa", "aaaa", "aa"):
            note(first, kind, call(name), f"{len(first)}: why")
    assert told(first) == [
        "protocol: a (s.yaml:1): 0: why",
        "protocol: aa (s.yaml:2): 1: why",
        "protocol: aaa (s.yaml:3): 2: why",
        "tls: a (s.yaml:1): 3: why",
        "tls: aa (s.yaml:2): 4: why",
        "tls: aaa (s.yaml:3): 5: why",
    ]


def test_a_secret_of_the_round_is_concealed() -> None:
    first: dict[str, str] = {}
    names = Vars({"token": "abc"})
    note(first, "no path", call("a"), "`abc` is no path", names)
    assert told(first) == ["no path: a (s.yaml:1): `***` is no path"]


def test_what_several_processes_say_is_told_as_one_would() -> None:
    one: dict[str, str] = {"used up": "no row is left"}
    two: dict[str, str] = {"used up": "no row is left"}
    note(one, "tls", call("a"), "x")
    note(two, "tls", call("aa"), "y")
    note(two, "tls", call("a"), "z")
    expected = ["used up: no row is left", "tls: a (s.yaml:1): x", "tls: aa (s.yaml:2): y"]
    assert told(all_of((one, two))) == expected
    assert told(all_of((one, one))) == expected[:2]


def test_steps_with_a_colon_in_their_names_are_told_apart_by_the_whole_name() -> None:
    one: dict[str, str] = {}
    two: dict[str, str] = {}
    note(one, "tls", call("GET: cart"), "x: 1")
    note(two, "tls", call("GET: a"), "y")
    note(two, "tls", call("GET: cart"), "x: 2")
    assert told(all_of((one, two))) == ["tls: GET: cart (s.yaml:9): x: 1", "tls: GET: a (s.yaml:6): y"]
