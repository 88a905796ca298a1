"""How an environment is spoken to: TLS, HTTP version, proxy, headers, and the question that proves it ready."""

from posixpath import dirname, join, normpath

from perfspec.base.clock import SECOND
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language import templates
from perfspec.language.nodes import Mapping, Node, Scalar
from perfspec.language.phrase_grammar import parse_duration
from perfspec.spec.model import Access, Ready, Spec, Tls
from perfspec.steps.reading import Reading
from perfspec.steps.request import CONSTANT_ROOTS, checks, header_table

__all__ = ["check_access", "read_access", "read_ready"]

READY_WITHIN_NS = 30 * SECOND


def read_access(node: Mapping, reading: Reading) -> Access:
    """What an environment says beside its address."""
    tls, version, proxy = node.get("tls"), node.get("http"), node.get("proxy")
    url = node.get("url")
    if isinstance(tls, Mapping) and isinstance(url, Scalar) and url.text.lower().startswith("http://"):
        entry = node.entry("tls")
        assert entry is not None
        message = "`tls` is for an `https://` address, and this one is not"
        reading.out.add("PS114", message, entry.key.span, f"write `url: https://{url.text[7:]}`, or remove `tls`")
    return Access(
        tls=_tls(tls) if isinstance(tls, Mapping) else None,
        http=2 if isinstance(version, Scalar) and version.value == 2 else 1,
        proxy=templates.text(proxy) if isinstance(proxy, Scalar) else None,
        headers=header_table(node.get("headers"), reading),
    )


def _tls(node: Mapping) -> Tls:
    return Tls(*(_path(node.get(key)) for key in ("ca", "cert", "key")))


def _path(node: Node | None) -> str:
    """Relative to the file that says it; empty if it is not said."""
    return normpath(join(dirname(node.span.path), node.text)) if isinstance(node, Scalar) else ""


def read_ready(node: Node | None, reading: Reading) -> Ready | None:
    """A path that has to answer with success, or a question with the answer that is wanted."""
    if isinstance(node, Scalar):
        return Ready(node.text, (), READY_WITHIN_NS)
    if not isinstance(node, Mapping):
        return None
    path, within = node.get("get"), node.get("within")
    within_ns = parse_duration(within, "within", reading.out) if isinstance(within, Scalar) else None
    wanted = checks(node.get("until"), reading)
    return Ready(path.text if isinstance(path, Scalar) else "/", wanted, within_ns or READY_WITHIN_NS)


def check_access(spec: Spec, out: Diagnostics) -> None:
    """What goes to an environment with every request is known before the first one."""
    for environment in spec.environments.values():
        access = environment.access
        proxy = () if access.proxy is None else (access.proxy,)
        for text in (*proxy, *(value for _, value in access.headers)):
            for path, span in text.reads():
                if path.root == "values" and len(path.parts) > 1 and str(path.parts[1]) not in environment.values:
                    message = f"environment `{environment.name}` has no value `{path.parts[1]}`"
                    out.add("PS303", message, span, "add it under its `values:`")
                elif path.root == "secret" and (len(path.parts) < 2 or str(path.parts[1]) not in spec.secrets):
                    name = ".".join(str(part) for part in path.parts[1:])
                    out.add("PS304", f"no secret is called `{name}`", span, "add it under `secrets:`")
                elif path.root not in CONSTANT_ROOTS:
                    message = f"`{path.dotted}` is not known here: an environment is the same for every user and round"
                    hint = "read `${values.NAME}`, `${secret.NAME}` or `${run.id}`, or put it into `defaults`"
                    out.add("PS301", message, span, hint)
