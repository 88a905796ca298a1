"""The gateway: what it answers, how long that takes, streams, and what it refuses."""

import math
import random

import orjson
import pytest

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.reference.generating import MODELS, TOKENS_PER_CHUNK, embedding, tokens_of, write
from perfspec.reference.limiting import RateLimit

ASKED = {"model": "gpt-4", "prompt": "how long is a piece of string", "max_tokens": 64}


def generate(call, **changes):
    return call("POST", "/v1/generate", json=ASKED | changes)


def events(answer):
    return [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]


# --- generate ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_has_text_and_says_what_it_cost(visit_gateway, model) -> None:
    answer = generate(visit_gateway(), model=model).json()
    (choice,) = answer["choices"]
    usage = answer["usage"]
    assert answer["model"] == model
    assert len(choice["text"].split()) == usage["completion_tokens"] * 3 // 4
    assert usage["prompt_tokens"] == tokens_of(ASKED["prompt"]) == 10
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 1 <= usage["completion_tokens"] <= 64


def test_the_same_prompt_has_the_same_answer_and_another_prompt_another_one(visit_gateway) -> None:
    def text(**changes):
        return generate(visit_gateway(), **changes).json()["choices"][0]["text"]

    assert text() == text()
    assert text() != text(prompt="something else entirely")


@pytest.mark.parametrize("most", [1, 2, 7, 8, 9, 64, 4096])
def test_no_answer_is_longer_than_the_caller_allows(most) -> None:
    for number in range(50):
        written = write("gpt-4", f"prompt {number}", most)
        assert 1 <= written.completion_tokens <= most
        assert written.text.strip()
        assert written.cut_off == (written.completion_tokens == most) or most < 20


def test_latency_grows_with_the_prompt_the_answer_and_the_model() -> None:
    def median(model, prompt, answer):
        return MODELS[model].latency(prompt, answer).quantile_ns(0.5)

    plain = median("gpt-3.5", 100, 100)
    assert median("gpt-3.5", 1100, 100) - plain == 1000 * MODELS["gpt-3.5"].reading_ns
    assert median("gpt-3.5", 100, 1100) - plain == 1000 * MODELS["gpt-3.5"].writing_ns
    assert median("gpt-4", 100, 100) > 1.5 * plain


def test_with_the_data_of_the_shipped_spec_every_limit_is_kept() -> None:
    """300 ms for all, 2 s for gpt-4; gpt-4 under four times gpt-3.5 and a second."""
    draw = random.Random(1)
    taken: dict[str, list[int]] = {"gpt-3.5": [], "gpt-4": []}
    for _ in range(20_000):
        words = min(1500, max(5, round(60 * math.exp(draw.gauss(0, 1)))))
        most = draw.choices([64, 256, 1024], [50, 35, 15])[0]
        model = draw.choices(["gpt-3.5", "gpt-4"], [80, 20])[0]
        tokens = write(model, str(draw.random()), most).completion_tokens
        taken[model].append(MODELS[model].latency(words * 4 // 3, tokens).quantile_ns(draw.random()))

    def p95(values):
        return sorted(values)[len(values) * 95 // 100]

    assert p95(taken["gpt-3.5"] + taken["gpt-4"]) < 200 * MILLISECOND
    assert p95(taken["gpt-4"]) < 500 * MILLISECOND < 4 * p95(taken["gpt-3.5"]) + SECOND


# --- streams -----------------------------------------------------------------------------------------------------


def test_a_stream_is_the_same_answer_in_chunks(visit_gateway) -> None:
    call = visit_gateway()
    streamed = generate(call, stream=True)
    *chunks, done = events(streamed)
    deltas = [orjson.loads(chunk)["choices"][0] for chunk in chunks]
    assert streamed.headers["content-type"] == "text/event-stream"
    assert done == "[DONE]"
    assert deltas[0] == {"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}
    plain = generate(call).json()
    assert (deltas[-1]["delta"], deltas[-1]["finish_reason"]) == ({}, plain["choices"][0]["finish_reason"])
    assert "".join(delta["delta"].get("content", "") for delta in deltas) == plain["choices"][0]["text"]
    assert len(deltas) == 2 + math.ceil(plain["usage"]["completion_tokens"] / TOKENS_PER_CHUNK)


def test_a_stream_begins_early_and_takes_as_long_as_a_plain_answer_in_the_median(visit_gateway) -> None:
    model, tokens = MODELS["gpt-4"], write("gpt-4", ASKED["prompt"], 64).completion_tokens
    call = visit_gateway()
    taken = []
    for _ in range(200):
        start_ns = call.clock.instant_ns
        generate(call, stream=True)
        taken.append(call.clock.instant_ns - start_ns)
    median_ns = sorted(taken)[100]
    assert median_ns == pytest.approx(model.latency(10, tokens).quantile_ns(0.5), rel=0.05)


# --- embeddings --------------------------------------------------------------------------------------------------


def embed(call, **changes):
    return call("POST", "/v1/embeddings", json={"model": "text-embedding", "input": "a sentence"} | changes)


def test_a_vector_has_length_one_and_the_stated_size(visit_gateway) -> None:
    answer = embed(visit_gateway(), dimensions=48).json()
    (row,) = answer["data"]
    assert len(row["embedding"]) == 48
    assert sum(number * number for number in row["embedding"]) == pytest.approx(1, abs=1e-3)
    assert len(embed(visit_gateway()).json()["data"][0]["embedding"]) == 256


def test_a_batch_is_answered_in_its_order(visit_gateway) -> None:
    answer = embed(visit_gateway(), input=["one", "two", "one"]).json()
    assert [row["index"] for row in answer["data"]] == [0, 1, 2]
    first, second, third = (row["embedding"] for row in answer["data"])
    assert first == third == embedding("one", 256) != second
    assert answer["usage"] == {"prompt_tokens": 6, "total_tokens": 6}


# --- keys, limits, refusals --------------------------------------------------------------------------------------


def test_the_bucket_gives_what_flows_in_and_says_when_to_come_again() -> None:
    now = [0]
    limit = RateLimit(10, lambda: now[0])
    assert [limit.take("a") for _ in range(20)] == [0] * 20
    assert limit.take("a") == 1
    assert limit.take("b") == 0
    now[0] = SECOND
    assert [limit.take("a") for _ in range(11)] == [0] * 10 + [1]
    now[0] = 100 * SECOND
    assert [limit.take("a") for _ in range(21)] == [0] * 20 + [1]


def test_too_many_requests_are_refused_at_once_and_counted_as_such(visit_gateway) -> None:
    call = visit_gateway(per_s=2)
    start_ns = call.clock.instant_ns
    call.clock.sleep = None  # no time may pass
    for _ in range(4):
        assert call("GET", "/v1/generate").status_code == 405
    refused = generate(call)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json() == {"error": "too many requests with this key"}
    assert call.clock.instant_ns == start_ns
    line = 'http_requests_total{code="429",endpoint="generate",method="POST",service="gateway"} 1.0'
    assert line in call("GET", "/metrics").text.splitlines()


def test_a_wrong_key_takes_nothing_from_the_bucket(visit_gateway) -> None:
    call = visit_gateway(per_s=1)
    for _ in range(10):
        assert call("POST", "/v1/generate", json=ASKED, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert generate(call).status_code == 200


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "gpt-5"}, "`model`: invalid enum value 'gpt-5'"),
        ({"prompt": " \n"}, "`prompt`: expected `str` matching regex '\\\\S'"),
        ({"max_tokens": 0}, "`max_tokens`: expected `int` >= 1"),
        ({"max_tokens": "64"}, "`max_tokens`: expected `int`, got `str`"),
        ({"stream": 1}, "`stream`: expected `bool`, got `int`"),
    ],
)
def test_a_wrong_request_is_refused_with_the_place(visit_gateway, changes, message) -> None:
    answer = generate(visit_gateway(), **changes)
    assert (answer.status_code, answer.json()) == (400, {"error": message})
