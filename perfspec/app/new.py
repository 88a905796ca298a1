"""A first spec for a service: commented, clean, and ready to run."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from perfspec.app.schema import NAME
from perfspec.base.errors import UsageFailure
from perfspec.base.units import parse_duration

__all__ = ["Wishes", "new", "service_name"]

UNNAMED = "my-service"
"""Where an address says no name."""
QUICK_NS = 700_000_000
"""A minute of the smoke stage brings enough answers where each may take this long."""

_TEXT = """\
# yaml-language-server: $schema={schema}
# $schema: {schema}
# The two lines above let editors complete and explain every key.
# Check this file:    perfspec lint {file}
# Try one round:      perfspec try {file}
# See what would run: perfspec plan {file}
# Run it:             perfspec run {file} --stage smoke
perfspec: 1
service: {service}{unnamed}
about: What users of {service} do most
owner: {owner}
environments:                   # where the service is; the first one is the default, `--env` names another
  {environment}:
    url: {url}
    limits: {{users: 50}}         # no stage may send more than this here
defaults:
  timeout: 10s                  # the longest a request may take
  # auth: bearer ${{secret.api_key}}    # with `secrets: {{api_key: {variable}}}` at the left edge
# data:                         # values to send: `get: /products?q=${{word}}`. Each is drawn once per round and
#   word: {{choice: [tea, milk]}}   # keeps its value for it. `${{fresh(word)}}` draws again

flows:                          # what a user does in a round, one step after the other
  browse:
    weight: 1                   # its share of the rounds, once there are several flows
    steps:
{steps}
      - pause: 500ms to 1500ms  # think time

stages:                         # how much load for how long
  smoke:                        # short, for every change
    pauses: at most 100ms       # so that few users make enough requests
    extend_to: 3m               # too close to call? run on until then
    phases:
      - {{name: check, for: {smoke}, users: ramp 3 to 8}}
    abort: [errors threshold fails]
  load:                         # a usual busy hour
    phases:
      - {{name: ramp-up, for: 1m, users: ramp 0 to {users}, measure: false}}
      - {{name: steady, for: 10m, users: {users}}}

thresholds:                     # what must hold; a run fails where it does not
  all: {{errors: under 1%}}
{limits}
"""
_STEP = """\
      - get: {path}
        name: {name}
        expect: {{status: 200}}
"""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for a new spec."""

    url: str
    service: str
    paths: tuple[str, ...]
    p95: str = "500ms"
    users: int = 10
    owner: str = ""


def service_name(url: str) -> str:
    """A name for what an address leads to: the first word of its host, or of its path on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:  # `new` says what is wrong with it
        return "service"
    host = parts.hostname or ""
    word = "" if host == "localhost" or re.fullmatch(r"[\d.:]+", host) else host.split(".")[0]
    return word or next((part for part in parts.path.split("/") if part), "") or UNNAMED


def new(wishes: Wishes, file: str) -> str:
    """The text of the spec. `file`: what it will be called. Raises UsageFailure for what makes no spec."""
    _check(wishes)
    names = _names(wishes.paths)
    steps = "".join(_STEP.format(path=_plain(path), name=name) for path, name in zip(wishes.paths, names, strict=True))
    width = max(map(len, names))
    limits = "\n".join(f"  {name + ':':{width + 1}} {{p95: at most {wishes.p95}}}" for name in names)
    local = urlsplit(wishes.url).hostname in ("localhost", "127.0.0.1", "::1")
    return _TEXT.format(
        schema=NAME,
        file=file,
        service=wishes.service,
        unnamed="              # what reports and files call it" if wishes.service == UNNAMED else "",
        owner=wishes.owner or f"{wishes.service}-team",
        environment="local" if local else "test",
        url=wishes.url.rstrip("/"),
        variable=re.sub(r"\W", "_", wishes.service).upper() + "_API_KEY",
        steps=steps.rstrip("\n"),
        smoke="2m" if (parse_duration(wishes.p95) or 0) > QUICK_NS else "1m",
        users=wishes.users,
        limits=limits,
    )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not re.search(r"\s", url)


def _check(wishes: Wishes) -> None:
    if not _is_address(wishes.url):
        raise UsageFailure(f"`{wishes.url}` is no address", "write for example http://127.0.0.1:8080")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", wishes.service):
        raise UsageFailure(f"`{wishes.service}` is no name for a service", "use letters, digits, `-`, `_` and `.`")
    if parse_duration(wishes.p95) is None:
        raise UsageFailure(f"`{wishes.p95}` is no time", "write for example 300ms")
    for path in wishes.paths:
        if not re.fullmatch(r"/[^\s#{}\[\]]*", path):
            raise UsageFailure(f"`{path}` is no path", "a path begins with `/`")


def _names(paths: tuple[str, ...]) -> list[str]:
    """A different name for each path: its words."""
    found: list[str] = []
    for path in paths:
        words = re.sub(r"[^A-Za-z0-9]+", "-", urlsplit(path).path).strip("-").lower() or "home"
        name, number = words, 2
        while name in found or name in ("all", "rules"):
            name, number = f"{words}-{number}", number + 1
        found.append(name)
    return found


def _plain(path: str) -> str:
    return f'"{path}"' if ": " in path or path.endswith(":") else path
