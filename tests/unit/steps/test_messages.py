"""Messages as a server reads them: forms, files, credentials, and what an environment adds."""

import os
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from perfspec.base.errors import EnvironmentFailure
from perfspec.engine.binding import Binder
from perfspec.engine.uploads import HELD_BYTES, File, Upload
from perfspec.engine.wire import renderer
from perfspec.metrics.series import Registry
from perfspec.steps.runtime import Origin, Vars

CONSTANTS = {"secret.key": "pässword%", "values.region": "eu", "run.id": "r1"}
LARGE = os.urandom(HELD_BYTES * 5 + 1)
MORE = "data: {word: {choice: [tea]}}\ndefaults: {}"
STEP = """
- post: /upload
  name: upload
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.json").write_bytes(b'{"rate": "100%"}\r\n')
    (tmp_path / "large.bin").write_bytes(LARGE)
    return tmp_path


@pytest.fixture
def message(steps_of):
    """The message of a step, in pieces if it is streamed; `everywhere`: headers of the environment."""

    def run(step: str, names: dict[str, object] | None = None, everywhere=(), more: str = MORE):
        (found,) = steps_of(step, more)
        render = renderer(found, "http://shop.test/base", CONSTANTS, everywhere)
        return render(Vars(names or {}))

    return run


def headers(wire: bytes) -> Message:
    head, _, _ = wire.partition(b"\r\n\r\n")
    return message_from_bytes(head.partition(b"\r\n")[2] + b"\r\n\r\n")


def parts(wire: bytes) -> list[tuple[str | None, str | None, str, bytes]]:
    """(field, file name, media type, content) of a multipart message, as the standard library reads it."""
    head, _, body = wire.partition(b"\r\n\r\n")
    read = message_from_bytes(head.partition(b"\r\n")[2] + b"\r\n\r\n" + body)
    assert int(read["content-length"]) == len(body)
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in read.get_payload()
    ]


def test_a_form_without_files_is_url_encoded(message) -> None:
    wire = message('- {post: /login, name: login, form: {user: "a&b c", "x[]": "${run.id}"}}')
    assert headers(wire)["content-type"] == "application/x-www-form-urlencoded"
    assert wire.endswith(b"\r\n\r\nuser=a%26b%20c&x%5B%5D=r1")


@pytest.mark.usefixtures("folder")
def test_a_small_file_is_part_of_a_message_like_any_other(message) -> None:
    step = STEP + '  form: {picture: {file: small.json}, title: "${word} 100%", note: two}\n'
    wire = message(step, {"word": "tea"})
    assert isinstance(wire, bytes)
    assert parts(wire) == [
        ("title", None, "text/plain", b"tea 100%"),
        ("note", None, "text/plain", b"two"),
        ("picture", "small.json", "application/json", b'{"rate": "100%"}\r\n'),
    ]
    assert message(step, {"word": "tea"}) == wire


@pytest.mark.usefixtures("folder")
def test_large_files_come_in_pieces_and_never_as_a_whole(message) -> None:
    form = "{a: {file: large.bin}, b: {file: small.json, type: text/x-odd}, c: {file: large.bin}, who: '${word}'}"
    sent = message(f"{STEP}  form: {form}\n", {"word": "me"})
    assert isinstance(sent, Upload)
    pieces = list(sent.pieces())
    assert all(pieces)
    assert max(len(piece) for piece in pieces) < len(LARGE)
    assert parts(b"".join(pieces)) == [
        ("who", None, "text/plain", b"me"),
        ("a", "large.bin", "application/octet-stream", LARGE),
        ("b", "small.json", "text/x-odd", b'{"rate": "100%"}\r\n'),
        ("c", "large.bin", "application/octet-stream", LARGE),
    ]
    assert list(sent.pieces()) == pieces  # it can be sent again
    assert next(sent.with_head(b"other").pieces()) == b"other"


def test_names_of_fields_and_files_cannot_break_out(message, folder) -> None:
    (folder / 'a"b\r\n.txt').write_text("x")
    step = STEP + '  form: {"f\\"x\\r\\ny": {file: "a\\"b\\r\\n.txt"}}\n'
    ((field, name, _, content),) = parts(message(step))
    assert (field, name, content) == ("f%22x%0D%0Ay", "a%22b%0D%0A.txt", b"x")


def test_a_file_that_gets_shorter_is_told(folder) -> None:
    file = File(str(folder / "large.bin"))
    pieces = file.pieces()
    next(pieces)
    os.truncate(folder / "large.bin", 10)
    with pytest.raises(OSError, match="has become shorter"):
        list(pieces)


def test_a_folder_is_no_file_and_nothing_is_left_open(folder) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="is no file"):
        File(str(folder))
    file = File(str(folder / "large.bin"))
    del file
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_that_is_gone_when_the_load_begins_is_told(folder, steps_of) -> None:
    (step,) = steps_of(STEP + "  form: {a: {file: small.json}}\n")
    (folder / "small.json").unlink()
    binder = Binder("http://shop.test", Origin("shop.test", 80, "192.0.2.1"), CONSTANTS, Registry(1, {}), "load")
    with pytest.raises(EnvironmentFailure, match="cannot be read"):
        binder.call(step)


@pytest.mark.parametrize(
    ("auth", "shown"),
    [
        ("basic aladdin:opensesame", "Basic YWxhZGRpbjpvcGVuc2VzYW1l"),
        ("basic me:${secret.key}", "Basic bWU6cMOkc3N3b3JkJQ=="),
        ("basic ${word}:x", "Basic dGVhOng="),
        ("bearer ${word}", "Bearer tea"),
        ("none", None),
    ],
)
def test_how_a_request_shows_who_it_is(message, auth: str, shown: str | None) -> None:
    wire = message(f'- {{get: /x, auth: "{auth}"}}', {"word": "tea"})
    assert headers(wire).get_all("authorization") == ([shown] if shown else None)


@pytest.mark.parametrize("default", ["bearer abc", "basic a:b"])
def test_a_header_that_a_request_says_itself_wins_over_auth(message, default: str) -> None:
    more = f'data: {{}}\ndefaults: {{auth: "{default}", headers: {{Authorization: from defaults}}}}'
    wire = message("- {get: /x, headers: {authorization: Mine}}", more=more)
    assert headers(wire).get_all("authorization") == ["Mine"]
    assert len(headers(message("- {get: /x}", more=more)).get_all("authorization") or ()) == 1


@pytest.mark.parametrize(
    ("step", "defaults", "everywhere"),
    [
        ("headers: {host: own.test}", "{}", ()),
        ("headers: {HOST: own.test}", "{headers: {Host: other.test}}", (("Host", "env.test"),)),
        ("timeout: 1s", "{headers: {host: own.test}}", (("Host", "env.test"),)),
        ("timeout: 1s", "{}", (("host", "own.test"),)),
    ],
)
def test_a_host_of_ones_own_takes_the_place_of_the_usual_one(message, step, defaults, everywhere) -> None:
    wire = message(f"- {{get: /x, name: x, {step}}}", everywhere=everywhere, more=f"defaults: {defaults}")
    assert headers(wire).get_all("host") == ["own.test"]


def test_headers_of_the_environment_give_way_to_those_of_the_request(message) -> None:
    everywhere = (("X-Region", "${values.region}"), ("x-own", "env"), ("User-Agent", "mine"), ("Authorization", "env"))
    wire = message("- {get: /x, auth: 'basic a:b', headers: {X-Own: step}}", everywhere=everywhere)
    found = headers(wire)
    assert (found["x-region"], found.get_all("x-own"), found.get_all("user-agent")) == ("eu", ["step"], ["mine"])
    assert found.get_all("authorization") == ["Basic YTpi"]
