"""Forms with files as multipart/form-data (RFC 7578): the texts first, then the files, each as the spec has them."""

import mimetypes
from hashlib import sha256
from posixpath import basename

from perfspec.engine.uploads import File, Upload
from perfspec.language.codegen import Generator
from perfspec.steps.kinds import Request

__all__ = ["boundary", "multipart_lines"]


def boundary(step: Request) -> str:
    """The same for every request of a step, so that equal seeds send equal bytes."""
    return f"perfspec-{sha256(step.at.encode()).hexdigest()[:24]}"


def multipart_lines(step: Request, generator: Generator, head: bytes, arguments: list[str]) -> list[str]:
    """The lines of the function that renders the whole message. Opens the files: raises OSError."""
    limit = boundary(step).encode()
    pattern, texts = b"", list[str]()
    for name, text in step.form or ():
        pattern += _escaped(b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n' % (limit, _quoted(name)))
        pattern += generator.text(text.source, "text", texts) + b"\r\n"
    segments: list[str] = []
    large = 0
    for upload in step.files:
        file = File(upload.path)
        kind = upload.media_type or mimetypes.guess_type(upload.path)[0] or "application/octet-stream"
        pattern += _escaped(
            b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\nContent-Type: %b\r\n\r\n'
            % (limit, _quoted(upload.field), _quoted(basename(upload.path)), kind.encode("latin-1"))
        )
        if file.is_small:
            pattern += _escaped(file.content()) + b"\r\n"
            continue
        segments += [generator.format(pattern, texts), generator.constant(file)]
        large += file.size
        pattern, texts = b"\r\n", []
    segments.append(generator.format(pattern + b"--%b--\r\n" % limit, texts))
    whole = generator.format(head + b"Content-Length: %d\r\n\r\n", [*arguments, "size"])
    if not large:
        return [f"body = {segments[0]}", "size = len(body)", f"return {whole} + body"]
    parts = [f"p{number}" for number in range(len(segments))]
    texts_only = " + ".join(f"len({part})" for part in parts[::2])
    return [
        *(f"{part} = {segment}" for part, segment in zip(parts, segments, strict=True)),
        f"size = {large} + {texts_only}",
        f"return {generator.constant(Upload)}({whole}, ({', '.join(parts)},))",
    ]


def _quoted(name: str) -> bytes:
    """As browsers do it."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()


def _escaped(literal: bytes) -> bytes:
    return literal.replace(b"%", b"%%")
