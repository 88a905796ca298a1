"""What has one reading is repaired, what has two is left to its author, and no repair makes a file worse."""

import pytest

from perfspec.app.fix import fix

HEAD = "perfspec: 1\nservice: shop\nenvironments: {local: {url: http://127.0.0.1:1}}\n"
STEP = "flows:\n  look:\n    steps:\n      - get: /a\n        name: a\n"
TAIL = "thresholds: {all: {errors: under 1%}}\n"
WORD = "data: {word: {fake: word}}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def repaired(text: str) -> tuple[str, list[str], list[str]]:
    """The text afterwards, the codes repaired, the codes left."""
    found = fix("a.yaml", text.encode())
    return found.content.decode(), [d.code for d in found.done], [d.code for d in found.checked.findings]


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("        query: {q: ${word}}", '        query: {q: "${word}"}', "PS003"),
        ("        expect: {$.a[0].b: present}", '        expect: {"$.a[0].b": present}', "PS003"),
        ("        expect: {status: one of 201, 202}", "        expect: {status: [201, 202]}", "PS003"),
        ("        timeout: 5 seconds", "        timeout: 5s", "PS202"),
        ("        timeout: 300 ms", "        timeout: 300ms", "PS202"),
    ],
)
def test_a_slip_in_a_step_is_repaired(before, after, code):
    text, done, left = repaired(HEAD + WORD + STEP + before + "\n" + TAIL)
    assert text == HEAD + WORD + STEP + after + "\n" + TAIL
    assert (done, left) == ([code], [])


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("thresholds:\n  a: {p95: under 300 ms}\n", "thresholds:\n  a: {p95: under 300ms}\n", "PS607"),
        ("thresholds:\n  a: {p95: <= 300ms}\n", "thresholds:\n  a: {p95: at most 300ms}\n", "PS601"),
        ("thresholds:\n  a:\n    p95: under 1s warn\n", "thresholds:\n  a:\n    p95: under 1s, warn only\n", "PS607"),
    ],
)
def test_a_slip_in_a_limit_is_repaired(before, after, code):
    assert repaired(HEAD + STEP + before) == (HEAD + STEP + after, [code], [])


@pytest.mark.parametrize(
    "body", ["        json: {n: ${n}}\n", "        json:\n          a: [{n: ${n}}]\n", "        json: {a: {n: ${n}}}\n"]
)
def test_a_number_or_its_text_is_for_the_author_to_say(body):
    number = "data: {n: {number: 1 to 5}}\n"
    text, done, left = repaired(HEAD + number + STEP + body + TAIL)
    assert (text, done, left) == (HEAD + number + STEP + body + TAIL, [], ["PS003"])


def test_where_quotes_change_nothing_they_are_added():
    number = "data: {n: {number: 1 to 5}}\n"
    lines = "        json: {a: n ${n}}\n        headers: {n: ${n}}\n        expect: {$.n: ${n}}\n"
    text, done, left = repaired(HEAD + number + STEP + lines + TAIL)
    assert 'json: {a: "n ${n}"}\n        headers: {n: "${n}"}\n        expect: {$.n: "${n}"}' in text
    assert (done, left) == (["PS003"] * 3, [])


def test_a_word_of_older_yaml_is_repaired_where_it_can_mean_one_thing():
    stage = "stages: {load: {phases: [{for: 1m, users: 5, measure: %s}, {for: 1m, users: 5}]}}\n"
    text, done, left = repaired(HEAD + STEP + stage % "off" + TAIL)
    assert (text, done, left) == (HEAD + STEP + stage % "false" + TAIL, ["PS103"], [])


def test_several_slips_are_repaired_one_after_the_other():
    steps = STEP + "        query: {q: ${word}, r: ${word}}\n        timeout: 5 sec\n"
    text, done, left = repaired(HEAD + WORD + steps + TAIL)
    assert '{q: "${word}", r: "${word}"}' in text
    assert "timeout: 5s\n" in text
    assert (sorted(done), left) == (["PS003", "PS003", "PS202"], [])


@pytest.mark.parametrize("tail", ["flows:\n  look:\n\tsteps:\n\t- get: /a\n\t  name: a\n"])
def test_tabs_become_the_spaces_that_make_the_file_right(tail):
    text, done, left = repaired(HEAD + tail + TAIL)
    assert "\t" not in text
    assert (set(done), left) == ({"PS001"}, [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (HEAD + "defaults: {timeout: 30}\n" + STEP + TAIL, "PS201"),
        (HEAD + STEP + "        timeout: 1,500 ms\n" + TAIL, "PS202"),
        (HEAD + STEP + "        json: {flag: no}\n" + TAIL, "PS007"),
        (HEAD + STEP + "thresholds: {all: {errors: 1%}}\n", "PS601"),
        (HEAD + STEP + "thresholds: {a: {p95: under 1s warn only}}\n", "PS607"),
        (HEAD + "wieght: 1\n" + STEP + TAIL, "PS101"),
    ],
)
def test_what_has_two_readings_is_left_as_it_is(text, code):
    assert repaired(text) == (text, [], [code])


def test_line_ends_the_mark_at_the_start_and_comments_stay():
    text = ("\ufeff" + HEAD + WORD + STEP + "        query: {q: ${word}}  # here\n" + TAIL).replace("\n", "\r\n")
    after, done, left = repaired(text)
    assert after == text.replace("${word}", '"${word}"')
    assert (done, left) == (["PS003"], [])


def test_a_file_that_is_no_text_is_left_alone():
    content = (HEAD + WORD + STEP + "        query: {q: ${word}}\n\tname: a\n" + TAIL).encode() + b"# \xff\n"
    found = fix("a.yaml", content)
    assert (found.content, found.done) == (content, [])
