"""A request step to a function that renders the whole HTTP/1.1 message. Everything constant is rendered when
binding.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from perfspec import __version__
from perfspec.engine.addresses import asked_for
from perfspec.engine.multipart import boundary, multipart_lines
from perfspec.engine.tracing import traceparent
from perfspec.language import templates
from perfspec.language.codegen import Generator
from perfspec.language.templates import Text
from perfspec.steps.kinds import Request
from perfspec.steps.runtime import Streamed, Tags, Vars

__all__ = ["host_header", "rendered", "renderer"]


def host_header(url: str) -> str:
    """The Host of a base address, its port where that is not the scheme's own."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return host if parts.port in (None, usual) else f"{host}:{parts.port}"


def rendered(text: Text, constants: Mapping[str, object]) -> str:
    """A template that holds nothing but constants."""
    generator = Generator(constants, "environment")
    arguments: list[str] = []
    pattern = generator.text(text.source, "text", arguments)
    filled: bytes = generator.function([f"return {generator.format(pattern, arguments)}"])(constants)
    return filled.decode()


def renderer(
    step: Request, url: str, constants: Mapping[str, object], everywhere: Tags = ()
) -> Callable[[Vars], bytes | Streamed]:
    """The message of `step` sent to the service at `url`, as a function of the round's names.

    `everywhere`: headers of the environment, for what the step does not say itself. Raises OSError for a file that
    cannot be opened.
    """
    generator = Generator(constants, step.at)
    arguments: list[str] = []
    target = _target(step, url, generator, arguments)
    joined = templates.whole(step.path.source) is not None
    for number, (name, text) in enumerate(step.query):
        separator = b"" if joined and not number else b"&" if number or b"?" in target else b"?"
        target += (
            separator
            + generator.text(name, "field", arguments)
            + b"="
            + generator.text(text.source, "field", arguments)
        )
    head = step.method.encode() + b" " + target + b" HTTP/1.1\r\n"
    given = {name.lower() for name, _ in step.headers} | ({"authorization"} if step.basic is not None else set())
    written = ((name, text.source) for name, text in step.headers)
    added = [header for header in everywhere if header[0].lower() not in given]
    given |= {name.lower() for name, _ in added}
    own = [header for header in (*_own_headers(url), *_content_type(step)) if header[0].lower() not in given]
    if step.traced and "traceparent" not in given:
        make = generator.constant(traceparent(step.at, str(constants.get("run.id", ""))))
        head += b"traceparent: %b\r\n"
        arguments.append(f"{make}(v)")
    for name, value in (*own, *added, *written):
        head += generator.text(name, "header", arguments) + b": " + generator.text(value, "header", arguments) + b"\r\n"
    if step.basic is not None:
        head += b"Authorization: Basic " + _basic(step.basic, generator, arguments) + b"\r\n"
    if step.files:
        return generator.function(multipart_lines(step, generator, head, arguments))
    body_arguments: list[str] = []
    body = _body(step, generator, body_arguments)
    if body is None:
        return generator.function(["return " + generator.format(head + b"\r\n", arguments)])
    head += b"Content-Length: %d\r\n\r\n%b"
    lines = [
        "body = " + generator.format(body, body_arguments),
        "return " + generator.format(head, [*arguments, "len(body)", "body"]),
    ]
    return generator.function(lines)


def _target(step: Request, url: str, generator: Generator, arguments: list[str]) -> bytes:
    """What is asked for, without the query of the step; a path that is one hole ends in what joins one."""
    if hole := templates.whole(step.path.source):
        told = generator.constant(asked_for(url, joins=bool(step.query)))
        arguments.append(f"{told}({generator.expression(hole.tree)})")
        return b"%b"
    base = generator.text(urlsplit(url).path.rstrip("/"), "url", arguments)
    return base + generator.text(step.path.source, "url", arguments)


def _basic(said: Text, generator: Generator, arguments: list[str]) -> bytes:
    """USER:PASSWORD encoded: now if it is known for the whole run, else in every request."""
    inner: list[str] = []
    pattern = generator.text(said.source.partition(" ")[2].lstrip(), "text", inner)
    if not inner:
        return b64encode(pattern.replace(b"%%", b"%"))
    arguments.append(f"{generator.constant(b64encode)}({generator.format(pattern, inner)})")
    return b"%b"


def _own_headers(url: str) -> tuple[tuple[str, str], ...]:
    return (("Host", host_header(url)), ("User-Agent", f"perfspec/{__version__}"), ("Accept", "*/*"))


def _content_type(step: Request) -> tuple[tuple[str, str], ...]:
    if step.json is not None:
        return (("Content-Type", "application/json"),)
    if step.files:
        return (("Content-Type", f"multipart/form-data; boundary={boundary(step)}"),)
    if step.form is not None:
        return (("Content-Type", "application/x-www-form-urlencoded"),)
    return ()


def _body(step: Request, generator: Generator, arguments: list[str]) -> bytes | None:
    if step.json is not None:
        return generator.body(step.json, arguments)
    if step.form is not None:
        pairs = (
            generator.text(name, "field", arguments) + b"=" + generator.text(text.source, "field", arguments)
            for name, text in step.form
        )
        return b"&".join(pairs)
    if step.body is not None:
        return generator.text(step.body.source, "text", arguments)
    return b"" if step.method in ("POST", "PUT", "PATCH") else None
