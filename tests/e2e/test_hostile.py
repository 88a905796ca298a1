"""Files and pages that are made to hurt: what is wrong with them is said within bounded time and memory."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("perfspec")
MOST_SECONDS = 8
"""Of CPU, with the start of the interpreter; the kernel ends whatever takes longer."""
MOST_BYTES = 700 * 1024 * 1024
"""Of address space, likewise."""
HEAD = b"perfspec: 1\nservice: shop\n"
BOMB = b"a: &a [x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c]\n" % (c, c, c - 1, c - 1) for c in b"bcdefghijklmnopqrstuvwxyz"
)
HOSTILE = {
    "deep lists": b"a: " + b"[" * 100_000,
    "deep maps": b"a: " + b"{a: " * 100_000,
    "deep blocks": b"".join(b" " * n + b"a:\n" for n in range(2000)),
    "deep dashes": b"- " * 50_000,
    "one line of a megabyte": HEAD + b"about: " + b"x" * 1_000_000,
    "one line of nearly a megabyte": HEAD + b"about: " + b"x" * 990_000,
    "one line of quotes": HEAD + b"about: '" + b"''" * 400_000,
    "one line of holes": HEAD + b"about: " + b"${" * 400_000,
    "one line of brackets": HEAD + b"about: a " + b"{" * 900_000,
    "one line of repairs": HEAD + b"query: {" + b"q: ${x}, " * 100_000,
    "an alias bomb": BOMB,
    "many keys": b"".join(b"k%d: 1\n" % n for n in range(80_000)),
    "equal keys": b"a: 1\n" * 60_000,
    "unknown keys": HEAD + b"".join(b"wieght%d: 1\n" % n for n in range(20_000)),
    "many steps": HEAD + b"flows:\n  a:\n    steps:\n" + b"      - gte: /a\n" * 15_000,
    "many anchors": b"".join(b"k%d: &x 1\n" % n for n in range(20_000)),
    "many tabs": b"".join(b"\ta: 1\n" for _ in range(50_000)),
    "no bytes of text": bytes(range(256)) * 3000,
    "zeros": b"\0" * 500_000,
    "utf-16": "perfspec: 1\n".encode("utf-16"),
    "broken utf-8": HEAD + b"about: \xc3\x28\xff\n",
    "only line breaks": b"\r\n" * 400_000,
    "a long number": HEAD + b"random_seed: " + b"9" * 100_000,
    "a long expression": HEAD + b"flows: {a: {steps: [{when: '${" + b"(" * 100_000 + b"}', steps: [{pause: 1s}]}]}}",
    "a long pattern": HEAD + b"flows: {a: {steps: [{get: /, expect: {$.a: 'matches " + b"(a*)*" * 50_000 + b"'}}]}}",
    "a long path": HEAD + b"flows: {a: {steps: [{get: /, capture: {a: '$" + b"[0]" * 100_000 + b"'}}]}}",
    "itself": b"perfspec: 1\nkind: shared\ninclude: [hostile.yaml]\n",
}


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_bounded_time_and_memory(tmp_path, name):
    (tmp_path / "hostile.yaml").write_bytes(HOSTILE[name])
    command = [PROGRAM, "lint", "hostile.yaml"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, preexec_fn=limited, check=False, timeout=120)
    assert ended.returncode == 2, ended.stderr[-2000:]
    assert b"hostile.yaml:" in ended.stdout
    assert b"Traceback" not in ended.stderr


PAGES = """
from perfspec.language.selectors import compile_selector
PIECES = ["<div>", "<b a={n}><p>", "<table><tr><td>", "<a {n}=1 ", "<a b{n}=1 ", "<li>", "<a", "<a b='", "<p a{n}='>'"]
for first, piece in [("", piece) for piece in PIECES] + [("<a ", "a{n}=1 ")]:
    page = first + "".join(piece.format(n=n) for n in range(200_000))
    assert list(compile_selector("ul.items a @href").found(page.encode())) == [], piece
"""


def test_no_page_takes_long_to_look_into_whatever_it_is() -> None:
    """All together need about a second; a parser for browsers, or a tag with all of these attributes, needs minutes."""
    ended = subprocess.run(
        [sys.executable, "-c", PAGES], capture_output=True, preexec_fn=limited, check=False, timeout=120
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
