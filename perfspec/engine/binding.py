"""Steps to programs: what `bind(step, build)` may ask for. One binder per part of a run (setup, load, teardown)."""

from collections.abc import Callable, Mapping, Sequence

from perfspec import data as data_kinds
from perfspec import steps as kinds
from perfspec.base.errors import EnvironmentFailure
from perfspec.engine.exemplars import Exemplars
from perfspec.engine.wire import renderer
from perfspec.language.codegen import Generator
from perfspec.metrics.series import Key, Registry
from perfspec.plan.model import Plan
from perfspec.steps.kinds import Check, Request, Step
from perfspec.steps.looks import reads_body, wants_redirect
from perfspec.steps.runtime import Call, Keeper, Origin, Program, Recorder, Tags, Vars

__all__ = ["Binder", "constants", "environment_headers", "generators"]

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})


def constants(plan: Plan, run_id: str, secrets: Mapping[str, str]) -> dict[str, object]:
    """Names whose value stands for the whole run."""
    return {
        "run.id": run_id,
        "run.stage": plan.stage,
        "run.environment": plan.target.environment,
        **{f"values.{name}": text for name, text in plan.target.values},
        **{f"secret.{name}": text for name, text in secrets.items()},
    }


def environment_headers(plan: Plan) -> Tags:
    """What the environment adds to every request: templates over the constants."""
    return tuple((name, text.source) for name, text in plan.target.access.headers)


def generators(
    plan: Plan, rows: Mapping[str, Sequence[Mapping[str, object]]], constants: Mapping[str, object]
) -> dict[str, data_kinds.Draw]:
    """Name -> the generator at work. `rows`: name of a generator -> the rows of its file."""
    return {
        data.name: data_kinds.bind(data, data_kinds.Supply(plan.seed, plan.people, rows.get(data.name, ()), constants))
        for data in plan.data
    }


class Binder:
    """See steps.runtime.Build."""

    def __init__(
        self,
        url: str,
        origin: Origin,
        constants: Mapping[str, object],
        registry: Registry,
        part: str,
        flow: str = "",
        *,
        headers: Tags = (),
    ) -> None:
        """`headers`: sent with every request that does not say them itself; templates over the constants."""
        self.constants = constants
        self._url = url
        self._origin = origin
        self._registry = registry
        self._part = part
        self._flow = flow
        self._headers = headers
        self.exemplars = Exemplars.of(0, (), ())
        """Where requests to look at are kept; to be replaced before anything is bound by whoever writes them down."""

    def call(self, step: Request, until: tuple[Check, ...] = ()) -> Call:
        fixed = tuple(sorted((tag, text.source) for tag, text in step.tags if "${" not in text.source))

        def timer(timer: str) -> Recorder:
            return self._registry.series(Key(step.name, timer, fixed, self._part, self._flow))

        try:
            render = renderer(step, self._url, self.constants, self._headers)
        except OSError as error:
            raise EnvironmentFailure(f"a file to be uploaded cannot be read: {error}", "was it moved?") from error
        return Call(
            name=step.name,
            origin=self._origin,
            timeout_ns=step.timeout_ns,
            no_body=step.method == "HEAD",
            idempotent=step.method in IDEMPOTENT,
            render=render,
            whole=reads_body(step, until),
            timer=timer,
            follows=step.follows and not wants_redirect(step, until),
            where=f"{step.span.path}:{step.span.line}",
            conceal=self.exemplars.conceal,
        )

    def recorder(self, name: str, tags: Tags, timer: str = "") -> Recorder | Callable[[Vars], Recorder]:
        fixed: list[tuple[str, str]] = []
        drawn: list[tuple[str, str]] = []
        for tag, source in tags:
            (drawn if "${" in source else fixed).append((tag, source))
        key = Key(name, timer, tuple(sorted(fixed)), self._part, self._flow)
        if not drawn:
            return self._registry.series(key)
        generator = Generator(self.constants, f"{self._part}.{self._flow}.{name}.tags")
        texts: list[str] = []
        for _, source in drawn:
            arguments: list[str] = []
            pattern = generator.text(source, "text", arguments)
            texts.append(f"({generator.format(pattern, arguments)}).decode()")
        read = generator.function([f"return ({', '.join(texts)},)"])
        return self._registry.by_tags(key, tuple(tag for tag, _ in drawn), read)

    def keeper(self, step: Request, timer: str = "") -> Keeper:
        return self.exemplars.keeper(Key(step.name, timer, (), self._part, self._flow), step)

    def wants(self, name: str, timer: str) -> bool:
        return self._registry.wants(name, timer)

    def program(self, step: Step) -> Program:
        return kinds.bind(step, self)
