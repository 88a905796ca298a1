"""Has every name a value where it is read? Walks the steps in the order they happen.

A name that only one way of a `when` or `choose` binds, or a loop that may have no pass, is not surely known afterwards.
Branches of a `parallel` know nothing of each other until all have ended. A fragment is looked at once, by itself: it
knows what it needs, data, and what is always there. Unused names are advice.py's business.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from perfspec import steps as kinds
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.expressions import Path
from perfspec.language.slips import slipped
from perfspec.spec import drawn
from perfspec.spec.loops import goes_round
from perfspec.spec.model import Fragment, Spec
from perfspec.steps.kinds import ForEach, Request, Step, Stop, Use
from perfspec.steps.reading import AtOnce, Bind, Ends, Inside, Loop, Named, OneOf, Read
from perfspec.steps.request import needs_name

__all__ = ["BUILT_IN", "Known", "Names", "suggest"]

BUILT_IN = {"run": ("id", "stage", "environment"), "user": ("number",), "round": ("number",)}
ALWAYS = (*BUILT_IN, "values", "secret")


@dataclass(frozen=True, slots=True)
class Known:
    """A name and where it comes from."""

    what: str
    span: Span

    def __str__(self) -> str:
        return f"({self.what}, line {self.span.line})"


@dataclass(slots=True)
class Scope:
    """What is known at one point of a walk."""

    known: dict[str, Known]
    perhaps: dict[str, str] = field(default_factory=dict)
    """Names that have no value for sure, and why."""

    def copy(self) -> "Scope":
        return Scope(dict(self.known), dict(self.perhaps))

    def bind(self, name: str, known: Known) -> None:
        self.known[name] = known
        self.perhaps.pop(name, None)


@dataclass(frozen=True, slots=True)
class Part:
    """Where steps stand: what they could read elsewhere in it, and what is not there."""

    later: Mapping[str, tuple[Bind, Step]]
    """Everything that is bound anywhere in it."""
    missing: frozenset[str] = frozenset()
    """Built-in names without a value here."""
    where: str = ""
    stops: frozenset[str] = frozenset({"round", "user"})
    """What can be stopped here."""
    around: Mapping[str, Known] = field(default_factory=dict)
    """In a fragment: what the defaults of requests may read beside."""


MEANS = {
    "data": "data",
    "capture": "captured",
    "set": "set",
    "loop": "the entry of a loop",
    "need": "what the fragment needs",
}
ONCE = "setup and teardown, which happen once per run"
VISIT = "each_user, which happens before the first round and after the last"


@dataclass(slots=True)
class Names:
    """Reports names without a value, with two meanings, and steps that never happen."""

    spec: Spec
    out: Diagnostics
    data: dict[str, Known] = field(default_factory=dict)
    personal: set[str] = field(default_factory=set)
    """Data that only a user can draw."""
    unknown: set[Span] = field(default_factory=set)
    """Where a name is read that has no value: nothing else needs to be said there."""

    def check(self) -> None:
        self.data = {d.name: Known("data", d.span) for d in self.spec.data}
        self.data |= {name: Known("data", span) for name, span in self.spec.unread.items()}
        for name, known in self.data.items():
            self._meaning(name, known.span, {})
        self.personal = drawn.personal(self.spec)
        once = Part({}, frozenset({"user", "round"}), ONCE, frozenset())
        shared = self._part(self.spec.setup, self.data, once)
        visit = Part({}, frozenset({"round"}), VISIT, frozenset({"user"}))
        in_flows = self._part(self.spec.first, shared, visit)
        for flow in self.spec.flows.values():
            self._part(flow.steps, in_flows, Part({}))
        self._part(self.spec.last, in_flows, replace(visit, stops=frozenset()))
        self._part(self.spec.teardown, shared, once)
        fragments = self._fragments()
        for fragment in fragments:
            self._fragment(fragment, in_flows)
        for steps in (*self.spec.parts(), *(fragment.steps for fragment in fragments)):
            for step in kinds.walk(steps):
                request = kinds.request_of(step)
                if request is not None:
                    self._unnamed(request)
                if isinstance(step, ForEach):
                    self._list(step)

    def _fragments(self) -> list[Fragment]:
        """Its own, and those it uses: what else an included file holds may be about other specs."""
        used = {step.name for steps in self.spec.parts() for step in kinds.walk(steps) if isinstance(step, Use)}
        return [f for f in self.spec.fragments.values() if f.name in used or f.span.path == self.spec.path]

    def _unnamed(self, request: Request) -> None:
        if needs_name(request) and not any(span in self.unknown for _, span in request.path.reads()):
            message = "a path with `${...}` needs a `name`, or every address becomes a row of its own"
            self.out.add(
                "PS404", message, request.path.span, "add `name: ` and what reports and thresholds should call it"
            )

    def _list(self, step: ForEach) -> None:
        """What is drawn is one value; going through it would end every round."""
        (hole,) = templates.holes(step.items.source)
        tree = hole.tree
        if isinstance(tree, Path) and tree.root in self.data and tree.root not in self.spec.unread:
            hint = "go through a captured list, or through `prefixes(...)` or `split(...)` of a text"
            self.out.add("PS305", f"`{tree.dotted}` is drawn as one value, not as a list", step.items.span, hint)

    def _fragment(self, fragment: Fragment, around: Mapping[str, Known]) -> None:
        needs = {name: Known("need", span) for name, span in fragment.needs.items()}
        for name, span in fragment.needs.items():
            self._meaning(name, span, {})
        part = Part(_bound(fragment.steps), around=around)
        scope = self._walk(fragment.steps, Scope(self.data | needs), part)
        for name, span in fragment.gives.items():
            if scope is None or name in scope.known:
                continue
            why = scope.perhaps.get(name)
            message = f"fragment `{fragment.name}` gives `{name}`, but {why or 'none of its steps captures it'}"
            fix = "give it one in every case" if why else f"add `capture: {{{name}: ...}}` to one of its requests"
            self.out.add("PS413", message, span, fix)

    def _part(self, steps: tuple[Step, ...], known: Mapping[str, Known], part: Part) -> dict[str, Known]:
        """What is known after a part of the spec."""
        scope = Scope(dict(known))
        return (self._walk(steps, scope, replace(part, later=_bound(steps))) or scope).known

    def _walk(self, steps: Iterable[Named], scope: Scope, part: Part) -> Scope | None:
        """The scope after the steps; None if it is never reached."""
        over: Scope | None = scope
        for step in steps:
            if over is None:
                if isinstance(step, Step):
                    message = "this never happens: the steps above always end the round"
                    self.out.add("PS311", message, step.span, "remove it", severity=Severity.WARNING)
                break
            over = self._one(step, over, part)
        return over

    def _one(self, item: Named, scope: Scope, part: Part) -> Scope | None:
        match item:
            case Read():
                self._read(item, scope, part)
            case Bind():
                self._bind(item, scope)
            case OneOf(ways=ways):
                return self._one_of(ways, scope, part)
            case AtOnce(branches=branches):
                return self._at_once(branches, scope, part)
            case Loop():
                return self._loop(item, scope, part)
            case Inside():
                self._inside(item, scope, part)
            case Ends():
                self._stop(item.what, item.span, part)
                return None
            case _:
                return self._walk(kinds.KINDS[type(item)].names(item), scope, part)
        return scope

    def _one_of(self, ways: tuple[tuple[Step, ...], ...], scope: Scope, part: Part) -> Scope | None:
        found = [self._walk(way, scope.copy(), part) for way in ways]
        reached = [each for each in found if each is not None]
        if not reached:
            return None if ways else scope
        everywhere = set.intersection(*(set(each.known) for each in reached))
        after = Scope({name: known for name, known in reached[0].known.items() if name in everywhere})
        for each in reached:
            after.perhaps |= each.perhaps
            for name, known in each.known.items():
                if name not in everywhere:
                    after.perhaps[name] = f"only one way through the steps gives it a value (line {known.span.line})"
        return after

    def _at_once(self, branches: tuple[tuple[Step, ...], ...], scope: Scope, part: Part) -> Scope | None:
        found = [self._walk(branch, scope.copy(), part) for branch in branches]
        after = scope.copy()
        for each in found:
            if each is None:
                return None
            after.known |= each.known
            after.perhaps |= {name: why for name, why in each.perhaps.items() if name not in after.known}
        return after

    def _loop(self, loop: Loop, scope: Scope, part: Part) -> Scope | None:
        inside = scope.copy()
        if loop.entry is not None:
            self._meaning(loop.entry.name, loop.entry.span, scope.known)
            inside.bind(loop.entry.name, Known("loop", loop.entry.span))
        after = self._walk(loop.steps, inside, part)
        if after is None:
            return None if loop.is_sure else scope
        if loop.entry is not None:
            outer = scope.known.get(loop.entry.name)
            if outer is None:
                del after.known[loop.entry.name]
            else:
                after.known[loop.entry.name] = outer
            after.perhaps[loop.entry.name] = f"it is known only inside its loop (line {loop.entry.span.line})"
        if loop.is_sure:
            return after
        for name in after.known.keys() - scope.known.keys():
            line = after.known.pop(name).span.line
            after.perhaps[name] = f"the loop that gives it a value (line {line}) may have no pass"
        return after

    def _inside(self, fragment: Inside, scope: Scope, part: Part) -> None:
        """Its own names have been looked at; here it is about where it is used."""
        for read in kinds.names(fragment.steps):
            if isinstance(read, Read) and read.path.root in part.missing:
                message = f"fragment `{fragment.name}` reads `{read.path.dotted}`, which is not there in {part.where}"
                self.out.add("PS301", message, fragment.span, "use it in a flow", related=((read.span, ""),))
                break
        for step in kinds.walk(fragment.steps):
            if isinstance(step, Stop):
                self._stop(step.what, fragment.span, part)
        for name in fragment.gives:
            self._bind(Bind(name, fragment.span, "capture"), scope)

    def _stop(self, what: str, span: Span, part: Part) -> None:
        if what not in part.stops:
            message = f"there is no {what} to stop in {part.where}"
            self.out.add("PS414", message, span, "put what must not happen under `when`")

    def _bind(self, bind: Bind, scope: Scope) -> None:
        self._meaning(
            bind.name, bind.span, {n: k for n, k in scope.known.items() if k.what in ("data", "loop", "need")}
        )
        scope.bind(bind.name, Known(bind.what, bind.span))

    def _meaning(self, name: str, span: Span, taken: Mapping[str, Known]) -> None:
        """A name means one thing: what is always there, data and entries of loops cannot be called the same."""
        if name in ALWAYS:
            self.out.add("PS308", f"`{name}` is always there, and would hide this", span, "choose another name")
        elif name in taken:
            known = taken[name]
            message = f"`{name}` is {MEANS[known.what]} already"
            self.out.add("PS308", message, span, "choose another name", related=((known.span, ""),))

    def _read(self, read: Read, scope: Scope, part: Part) -> None:
        root = read.path.root
        if root in ALWAYS:
            self._built_in(read.path, read.span, part)
        elif root in scope.known:
            if part.where == ONCE and root in self.personal:
                message = f"`{root}` is drawn for a user, and there is none in {ONCE}"
                self.out.add("PS235", message, _root_span(read), "name data with `order: random` here")
            if read.path.is_fresh and scope.known[root].what != "data":
                message = f"`{root}` is not drawn, so `fresh` cannot draw it again {scope.known[root]}"
                self.out.add("PS233", message, _root_span(read), f"write `{root}`, or name a data generator")
        elif read.path.may_miss and (root in scope.perhaps or root in part.later):
            return
        elif root in scope.perhaps:
            self.unknown.add(read.span)
            message = f"`{root}` may have no value here: {scope.perhaps[root]}"
            hint = f"give it one in every case, or write `${{default({root}, ...)}}`"
            self.out.add("PS306", message, _root_span(read), hint)
        elif root in part.later:
            self.unknown.add(read.span)
            bind, step = part.later[root]
            self._early(read, bind, step)
        elif root in self.spec.lost:
            self.unknown.add(read.span)
        elif root in part.around and read.span in self.spec.defaults:
            return
        else:
            self.unknown.add(read.span)
            message = f"nothing is called `{root}` (data, captures and names set before this step)"
            elsewhere = self._elsewhere(root)
            known: dict[str, Known | None] = {**dict.fromkeys(ALWAYS), **scope.known}
            self.out.add(
                "PS301", message, _root_span(read), _OTHER_NAMES.get(root) or elsewhere or suggest(root, known)
            )

    def _early(self, read: Read, bind: Bind, step: Step) -> None:
        message, hint = _too_early(read, bind, step)
        if goes_round(self.spec, read, bind):
            hint = f"give it a value before the loop: `set: {{{bind.name}: 1}}`"
        span = _root_span(read)
        if read.span in self.spec.defaults and isinstance(step, Request):
            span = step.span
            hint = f"`defaults` sends it with every request (line {read.span.line}); add `auth: none` to this one"
        self.out.add("PS306", message, span, hint, related=((bind.span, ""),))

    def _elsewhere(self, name: str) -> str:
        """Is it captured in another flow? A name lives in one flow, and in one round of it."""
        for flow in self.spec.flows.values():
            for bound in kinds.names(flow.steps):
                if isinstance(bound, Bind) and bound.name == name:
                    return f"it is captured in flow `{flow.name}` (line {bound.span.line}), and known there only"
        return ""

    def _built_in(self, path: Path, span: Span, part: Part) -> None:
        root, rest = path.root, path.parts[1:]
        if root == "values":
            return  # every environment is asked elsewhere
        if root == "secret":
            if not rest or str(rest[0]) not in self.spec.secrets:
                name = str(rest[0]) if rest else ""
                known = {s.name: Known("secret", s.span) for s in self.spec.secrets.values()}
                self.out.add(
                    "PS304", f"no secret is called `{name}`", span, suggest(name, known) or "add it under `secrets:`"
                )
        elif root in part.missing:
            self.out.add("PS301", f"there is no `{path.dotted}` in {part.where}", span, _instead(part))
        elif not rest or rest[0] not in BUILT_IN[root]:
            there = ", ".join(f"`{root}.{n}`" for n in BUILT_IN[root])
            self.out.add("PS301", f"nothing is called `{path.dotted}`", span, f"there is {there}")


def _bound(steps: tuple[Step, ...]) -> dict[str, tuple[Bind, Step]]:
    """Every name that is bound in steps, by the first that does."""
    found: dict[str, tuple[Bind, Step]] = {}
    for step in steps:
        for item in kinds.KINDS[type(step)].names(step):
            for bind in _binds(item):
                found.setdefault(bind.name, (bind, step))
        if not isinstance(step, Use):
            for _, held in kinds.children(step):
                found = _bound(held) | found
    return found


def _binds(item: Named) -> Iterator[Bind]:
    match item:
        case Bind():
            yield item
        case Loop(entry=Bind() as entry):
            yield entry
        case Inside():
            yield from (Bind(name, item.span, "capture") for name in item.gives)


def _too_early(read: Read, bind: Bind, step: Step) -> tuple[str, str]:
    """Message and fix for a name that is bound, but not before it is read."""
    own = kinds.KINDS[type(step)].names(step)
    if any(isinstance(name, Read) and name.span == read.span for name in own):
        return f"`{read.path.root}` is used before it is captured", "a step cannot use what it captures itself"
    if bind.span.path == read.span.path and bind.span.line < read.span.line:
        message = f"`{read.path.root}` is captured in another branch, which this one does not see"
        return message, "read it after the steps that the branches belong to"
    return f"`{read.path.root}` is used before it is captured", f"move this step below the one on line {step.span.line}"


_OTHER_NAMES = dict.fromkeys(("None", "nil", "undefined", "NULL", "Null"), "write `null`")
_OTHER_NAMES |= {"True": "write `true`", "False": "write `false`"}
"""What other languages call the values that have a name."""


def _instead(part: Part) -> str:
    return "use `${run.id}`" if "user" in part.missing else "use `${user.number}`"


def _root_span(read: Read) -> Span:
    return read.span.part(0, len(read.path.root)) if read.span.width else read.span


def suggest(name: str, known: Mapping[str, Known | None] | Mapping[str, Known]) -> str:
    """What was probably meant, and where it comes from; empty if nothing is near."""
    slips = slipped(name, known)
    near = difflib.get_close_matches(name, slips or known, 1) or slips
    if not near:
        return ""
    source = known[near[0]]
    return f"did you mean `{near[0]}`{f' {source}' if source else ''}?"
