"""Generators that read other names, and `fresh`: each value fits the names of its round."""

import pytest

from perfspec import data as data_kinds
from perfspec.base import random
from perfspec.data import Draw, Supply
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.language.codegen import Generator
from perfspec.language.compose import compose
from perfspec.language.nodes import Mapping
from perfspec.steps.runtime import Vars

DATA = """
words: {number: 5 to 1500, spread: lognormal around 60}
prompt: {text: "${words} words"}
window: {text: "${words} to ${words + 2} characters"}
kind: {choice: [short, "long ${words}", "${words}"]}
pair: {choice: ["${fresh(words)} ${fresh(words)} ${words}"]}
who: {choice: ["${user.number} in ${values.region}"]}
broken: {text: "${who} words"}
"""


def generators(text: str = DATA) -> dict[str, Draw]:
    out = Diagnostics()
    root = compose(Source("s.yaml", text), out)
    assert isinstance(root, Mapping)
    read = [data_kinds.read(e.key.text, e.key.span, e.value, out) for e in root if isinstance(e.value, Mapping)]
    assert out.sorted() == []
    return {data.name: data_kinds.bind(data, Supply(1, 1, (), {"values.region": "eu"})) for data in read if data}


BOUND = generators()


def round_of(who: int, step: int = 0) -> Vars:
    names = Vars({"user.number": who})
    names.base, names.step, names.draws = random.base(random.person(1, who), 1), step, {}
    names.generators = BOUND
    return names


def value(expression: str, names: Vars, place: str = "here") -> object:
    return Generator({}, place).value(expression)(names)


def test_a_text_is_as_long_as_the_name_it_reads() -> None:
    for who in range(100):
        names = round_of(who)
        assert len(str(names["prompt"]).split()) == names["words"]
        assert 0 <= len(str(names["window"])) - names["words"] <= 2


def test_an_entry_of_a_choice_keeps_its_type_when_it_is_one_hole() -> None:
    seen = set()
    for who in range(60):
        names = round_of(who)
        assert names["kind"] in ("short", f"long {names['words']}", names["words"])
        seen.add(type(names["kind"]))
    assert seen == {str, int}


def test_names_of_the_round_and_of_the_run_can_be_read() -> None:
    assert round_of(7)["who"] == "7 in eu"


def test_a_name_that_is_no_length_fails_the_draw() -> None:
    with pytest.raises(ValueError, match="is no length of a text"):
        round_of(7)["broken"]


def test_fresh_draws_again_with_all_that_it_is_made_of_and_changes_nothing_else() -> None:
    differ = 0
    for who in range(50):
        names = round_of(who)
        before = dict(names, words=names["words"], prompt=names["prompt"])
        again = value("${fresh(prompt)}", names)
        assert dict(names) == before
        differ += len(str(again).split()) != names["words"]
        assert value("${fresh(who)}", names) == f"{who} in eu"
    assert differ > 40


def test_fresh_is_the_same_at_its_place_and_pass_and_another_elsewhere() -> None:
    ways = [(place, step) for place in ("a", "b") for step in (0, 1, 2)]
    drawn = {way: [value("${fresh(words)}", round_of(who, way[1]), way[0]) for who in range(50)] for way in ways}
    assert len({tuple(values) for values in drawn.values()}) == len(ways)
    assert drawn["a", 1] == [value("${fresh(words)}", round_of(who, 1), "a") for who in range(50)]
    two = [str(value("${fresh(words)} ${fresh(words)}", round_of(who))).split() for who in range(50)]
    assert sum(one == other for one, other in two) < 5


def test_data_that_is_made_of_fresh_draws_does_not_depend_on_the_loop_it_is_first_read_in() -> None:
    for who in range(30):
        assert round_of(who)["pair"] == round_of(who, 5)["pair"]
        one, other, plain = str(round_of(who)["pair"]).split()
        assert int(plain) == round_of(who)["words"]
    assert one != other


def test_random_takes_every_entry_and_the_same_one_at_the_same_place() -> None:
    for who in range(50):
        names = round_of(who)
        names["hits"] = [1, 2, 3]
        assert value("${random(hits)}", names) == value("${random(hits)}", names)
    found = []
    for who in range(300):
        names = round_of(who)
        names["hits"] = ["a", "b", "c"]
        found.append(value("${random(hits)}", names))
    assert all(70 < found.count(entry) < 130 for entry in "abc")


@pytest.mark.parametrize("items", [[], "text", None, {"a": 1}])
def test_random_of_what_is_no_list_fails(items) -> None:
    names = round_of(1)
    names["hits"] = items
    with pytest.raises((ValueError, TypeError)):
        value("${random(hits)}", names)
