"""What the gateway's models answer, and how long it takes them. All of it follows from the request alone.

A token is three quarters of a word. A model writes between 40 % and 100 % of the tokens that the caller allows, which
share is drawn from the prompt. The stated latency of an answer, in the median:

    first token = start + prompt tokens * reading
    last token  = first token + answer tokens * writing

A plain answer is there with its last token; a streamed one begins with its first. Around the median it is log-normal
with `SIGMA`. So with the data of specs/gateway.yaml, 95 % of plain answers take less than 200 ms.
"""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b, shake_256

from perfspec.base.clock import MILLISECOND
from perfspec.base.random import site, unit
from perfspec.reference.latency import Latency

__all__ = ["DIMENSIONS", "MODELS", "SIGMA", "TOKENS_PER_CHUNK", "Model", "Written", "embedding", "tokens_of", "write"]

SIGMA = 0.15
DIMENSIONS = 256
"""The length of a vector, if the caller names none."""
TOKENS_PER_CHUNK = 8

MICROSECOND = 1_000
_TEXT = (
    "the answer depends on what is measured and a careful reader asks how often it was seen before it is believed "
    "because a single number says little about the slow requests that people remember while the whole "
    "distribution shows where time is lost so we look at the tail first and then at the load that was on the "
    "system when it grew"
)
_WORDS = tuple(_TEXT.split())


@dataclass(frozen=True, slots=True)
class Model:
    """Nanoseconds: to start, per token of the prompt, per token of the answer."""

    name: str
    start_ns: int
    reading_ns: int
    writing_ns: int

    def first_token_ns(self, prompt_tokens: int) -> int:
        return self.start_ns + prompt_tokens * self.reading_ns

    def latency(self, prompt_tokens: int, answer_tokens: int) -> Latency:
        """Until the whole answer is written."""
        return Latency(self.first_token_ns(prompt_tokens) + answer_tokens * self.writing_ns, SIGMA)


MODELS = {
    "gpt-3.5": Model("gpt-3.5", 40 * MILLISECOND, 20 * MICROSECOND, 120 * MICROSECOND),
    "gpt-4": Model("gpt-4", 70 * MILLISECOND, 60 * MICROSECOND, 280 * MICROSECOND),
}


@dataclass(frozen=True, slots=True)
class Written:
    """An answer in pieces of at most `TOKENS_PER_CHUNK` tokens each."""

    pieces: list[str]
    prompt_tokens: int
    completion_tokens: int
    cut_off: bool
    """Whether the caller's limit ended it."""

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def tokens_of(text: str) -> int:
    return -(-len(text.split()) * 4 // 3)


def write(model: str, prompt: str, most_tokens: int) -> Written:
    chance = site(f"{model} {most_tokens} {prompt}")
    share = 0.4 + 0.7 * unit(chance, 1)
    tokens = max(1, min(most_tokens, math.ceil(most_tokens * share)))
    return Written(list(_pieces(chance, tokens)), tokens_of(prompt), tokens, cut_off=share >= 1)


def _pieces(chance: int, tokens: int) -> Iterator[str]:
    """Text of three words to four tokens, begun at a place of its own."""
    at = chance % len(_WORDS)
    written = 0
    for end in range(TOKENS_PER_CHUNK, tokens + TOKENS_PER_CHUNK, TOKENS_PER_CHUNK):
        words = max(1, min(end, tokens) * 3 // 4)
        yield "".join(f"{' ' if n else ''}{_WORDS[(at + n) % len(_WORDS)]}" for n in range(written, words))
        written = words


def embedding(text: str, dimensions: int) -> list[float]:
    """A vector of length 1: the same text has the same one, another text another one."""
    seed = blake2b(text.encode("utf-8", "surrogatepass")).digest()
    numbers = array("h", shake_256(seed).digest(2 * dimensions))
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    return [round(number / length, 6) for number in numbers]
