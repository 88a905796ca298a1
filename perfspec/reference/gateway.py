"""The reference service `gateway`: text generation over two models, plain and streamed, and embeddings.

    POST /v1/generate {model, prompt, max_tokens, stream}    200 {choices: [{text}], usage}, or server-sent events
    POST /v1/embeddings {model, input, dimensions}           200 {data: [{embedding}], usage}

A stream is OpenAI's: chunks with a `delta`, the first with the role only, the last with the reason why it ends, then
`[DONE]`. Callers need the API key and may come so often per second (429 with Retry-After). With REDIS_URL, answers are
kept: `X-Cache: hit` or `miss` says so, and a hit takes `HIT`. The model of latencies is in generating.py.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import orjson
from msgspec import Meta, Struct
from starlette.applications import Starlette
from starlette.requests import Request

from perfspec.base.clock import MILLISECOND
from perfspec.reference.application import Settings, application
from perfspec.reference.caching import cache_key, open_cache
from perfspec.reference.generating import (
    DIMENSIONS,
    MODELS,
    SIGMA,
    TOKENS_PER_CHUNK,
    Model,
    Written,
    embedding,
    tokens_of,
    write,
)
from perfspec.reference.latency import Latency
from perfspec.reference.limiting import RateLimit
from perfspec.reference.openapi import EVENTS, Endpoint
from perfspec.reference.reading import read_body
from perfspec.reference.service import Piece, Reply, Surroundings, answer, key_holder, refuse

__all__ = [
    "DEFAULT_API_KEY",
    "HIT",
    "LATENCIES",
    "RATE_LIMIT_PER_S",
    "GatewayService",
    "from_environment",
    "gateway_app",
]

DEFAULT_API_KEY = "perf-local-key"
RATE_LIMIT_PER_S = 1_000
"""Far above what the shipped stages need."""

LATENCIES = {
    "generate": Latency(30 * MILLISECOND, SIGMA),
    "embeddings": Latency(45 * MILLISECOND, 0.35),
}
"""By endpoint; that of `generate` is for refusals only. These names are also what faults go by."""
HIT = Latency(5 * MILLISECOND, 0.35)
"""Of an answer out of the cache."""

Prompt = Annotated[str, Meta(min_length=1, max_length=100_000, pattern=r"\S")]
Input = Annotated[str, Meta(min_length=1, max_length=20_000)]


class GenerateRequest(Struct):
    model: Literal["gpt-3.5", "gpt-4"]
    prompt: Prompt
    max_tokens: Annotated[int, Meta(ge=1, le=4096)] = 256
    stream: bool = False


class Choice(Struct):
    index: int
    text: str
    finish_reason: Literal["stop", "length"]


class Usage(Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Generated(Struct):
    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


class EmbeddingsRequest(Struct):
    model: Literal["text-embedding"]
    input: Input | Annotated[list[Input], Meta(min_length=1, max_length=256)]
    dimensions: Annotated[int, Meta(ge=1, le=1024)] = DIMENSIONS


class Embedding(Struct):
    object: Literal["embedding"]
    index: int
    embedding: list[float]


class EmbeddingUsage(Struct):
    prompt_tokens: int
    total_tokens: int


class Embeddings(Struct):
    object: Literal["list"]
    model: str
    data: list[Embedding]
    usage: EmbeddingUsage


class GatewayService:
    name = "gateway"
    about = "Text generation over two models, plain and streamed, and embeddings"
    needed = "a valid API key"

    def __init__(
        self, *, api_key: str, surroundings: Surroundings, redis_url: str | None = None, per_s: int = RATE_LIMIT_PER_S
    ) -> None:
        self._holder = key_holder(api_key)
        self._limit = RateLimit(per_s, surroundings.now_ns)
        self._utc_now = surroundings.utc_now
        self._cache = open_cache(redis_url)
        self._answered = 0

    def admit(self, token: str) -> object | None:
        holder = self._holder(token)
        wait_s = self._limit.take(holder) if holder else 0
        if wait_s:
            raise refuse("too many requests with this key", 429, Retry_After=str(wait_s))
        return holder

    async def open(self) -> None:
        """Nothing to prepare: a Redis is connected to when it is needed."""

    async def close(self) -> None:
        await self._cache.close()

    async def dependencies(self) -> dict[str, bool]:
        return await self._cache.up()

    def endpoints(self) -> Sequence[Endpoint]:
        row, paced = Endpoint, LATENCIES
        return [
            row("generate", "POST", "/v1/generate", self.generate, paced["generate"], "Text that follows a prompt",
                {200: Generated, 429: None}, body=GenerateRequest, streams=True),
            row("embeddings", "POST", "/v1/embeddings", self.embeddings, paced["embeddings"], "Texts as vectors",
                {200: Embeddings, 429: None}, body=EmbeddingsRequest),
        ]  # fmt: skip

    async def generate(self, request: Request) -> Reply:
        asked = await read_body(request, GenerateRequest)
        model = MODELS[asked.model]
        if asked.stream:
            return _streamed(model, write(model.name, asked.prompt, asked.max_tokens), self._stamp())
        key = cache_key("generate", asked.model, asked.max_tokens, asked.prompt)
        kept = await self._cache.get(key)
        if kept is not None:
            return Reply(kept, headers={"X-Cache": "hit"}, latency=HIT)
        written = write(model.name, asked.prompt, asked.max_tokens)
        reply = answer(
            self._stamp()
            | {
                "object": "text_completion",
                "model": model.name,
                "choices": [{"index": 0, "text": written.text, "finish_reason": _reason(written)}],
                "usage": _usage(written),
            },
            headers={"X-Cache": "miss"},
            latency=model.latency(written.prompt_tokens, written.completion_tokens),
        )
        await self._cache.put(key, reply.body)
        return reply

    async def embeddings(self, request: Request) -> Reply:
        asked = await read_body(request, EmbeddingsRequest)
        texts = [asked.input] if isinstance(asked.input, str) else asked.input
        key = cache_key("embeddings", asked.dimensions, texts)
        kept = await self._cache.get(key)
        if kept is not None:
            return Reply(kept, headers={"X-Cache": "hit"}, latency=HIT)
        tokens = sum(map(tokens_of, texts))
        data = [
            {"object": "embedding", "index": index, "embedding": embedding(text, asked.dimensions)}
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        body = {"object": "list", "model": asked.model, "data": data, "usage": usage}
        reply = answer(body, headers={"X-Cache": "miss"})
        await self._cache.put(key, reply.body)
        return reply

    def _stamp(self) -> dict[str, Any]:
        self._answered += 1
        return {"id": f"gen-{self._answered:07d}", "created": int(self._utc_now().timestamp())}


def _reason(written: Written) -> str:
    return "length" if written.cut_off else "stop"


def _usage(written: Written) -> dict[str, int]:
    prompt, completion = written.prompt_tokens, written.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _streamed(model: Model, written: Written, stamp: dict[str, Any]) -> Reply:
    """Each piece is due when its last token is written."""
    gap_ns = TOKENS_PER_CHUNK * model.writing_ns
    chunk = stamp | {"object": "chat.completion.chunk", "model": model.name}

    def event(delta: dict[str, str], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return b"data: " + orjson.dumps(chunk | {"choices": [choice]}) + b"\n\n"

    pieces = [Piece(number * gap_ns, event({"content": text})) for number, text in enumerate(written.pieces, 1)]
    done_ns = written.completion_tokens * model.writing_ns
    end = Piece(max(done_ns, pieces[-1].after_ns), event({}, _reason(written)) + b"data: [DONE]\n\n")
    first = model.first_token_ns(written.prompt_tokens)
    return Reply(
        event({"role": "assistant"}),
        media_type=EVENTS,
        headers={"Cache-Control": "no-cache"},
        later=[*pieces, end],
        latency=Latency(first, SIGMA),
        kind="generate-stream",
    )


def from_environment(settings: Settings, variables: Mapping[str, str], key: str | None) -> Starlette:
    api_key = key or variables.get("GATEWAY_API_KEY") or DEFAULT_API_KEY
    return gateway_app(settings, api_key=api_key, redis_url=variables.get("REDIS_URL"))


def gateway_app(
    settings: Settings,
    *,
    api_key: str = DEFAULT_API_KEY,
    redis_url: str | None = None,
    per_s: int = RATE_LIMIT_PER_S,
) -> Starlette:
    """The service as an ASGI application."""
    service = GatewayService(api_key=api_key, surroundings=settings.surroundings, redis_url=redis_url, per_s=per_s)
    return application(service, settings)
