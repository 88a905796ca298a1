"""A path that is one hole: an address that the service has told, turned into what a request asks for.

Rules:
1. A text that begins with `/` is a path. It is below the path of the environment's address, unless it is that already:
   services behind a gateway may know it or not.
2. A whole address counts by its path and query if its scheme, host and port are the environment's. Another one, and
   what is no address, is an error of its own: no load goes to where no environment points.
3. It is escaped as a whole, so `/`, `?`, `&` and `%` in it keep their meaning. What stands behind `#` is not sent.
"""

from collections.abc import Callable
from urllib.parse import quote, urlsplit

from perfspec.language.codegen import as_text
from perfspec.metrics.error_kinds import NO_PATH

__all__ = ["NoPath", "asked_for"]

_KEPT = "/?&=%:;,@!$'()*+~-._[]"
_PORTS = {"http": 80, "https": 443}


class NoPath(ValueError):
    """What stands for a whole path is none of this environment."""

    kind = NO_PATH


def asked_for(url: str, *, joins: bool) -> Callable[[object], bytes]:
    """From a value to the target of a request to the service at `url`. Raises NoPath.

    `joins`: a query follows, so the target ends in what joins it.
    """
    base = urlsplit(url)
    here = base.scheme, base.hostname, base.port or _PORTS.get(base.scheme)
    prefix = base.path.rstrip("/")

    def target(value: object) -> bytes:
        text = as_text(value)
        try:
            parts = urlsplit(text)
            there = parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
        except ValueError as error:
            raise NoPath(f"`{text[:200]}` is no address") from error
        path = parts.path or "/"
        if text.startswith("/") and not parts.netloc:
            path = path if path == prefix or path.startswith(f"{prefix}/") else prefix + path
        elif not parts.netloc or not parts.scheme:
            raise NoPath(f"`{text[:200]}` is no path: it does not begin with `/`, and is no address")
        elif there != here:
            raise NoPath(f"`{text[:200]}` is not at the address of this environment")
        found = quote(f"{path}?{parts.query}" if parts.query else path, safe=_KEPT).encode()
        return found + (b"&" if parts.query else b"?") if joins else found

    return target
