"""A credential that stands in a spec is found wherever it stands; what only looks like one is let be."""

import pytest

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.language.compose import compose
from perfspec.language.credentials import check_credentials


def said(text: str, service: str = "search") -> list[str]:
    out = Diagnostics()
    source = Source("f", text)
    root = compose(source, out)
    assert root is not None
    check_credentials(root, service, out)
    return [
        f"{source.line(d.span.line)[d.span.column - 1 : d.span.end_column - 1]} -> {d.help}"
        for d in out.sorted()
        if d.code == "PS701"
    ]


TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijk"
KEY, PASSWORD = "api_key: SEARCH_API_KEY", "password: SEARCH_PASSWORD"


@pytest.mark.parametrize(
    ("text", "found", "secret", "instead"),
    [
        ("auth: bearer sk-live-9f2c1d7e4b8a6c3d", "bearer sk-live-9f2c1d7e4b8a6c3d", KEY, "bearer ${secret.api_key}"),
        ("auth: bearer 12345678", "bearer 12345678", KEY, "bearer ${secret.api_key}"),
        ("auth: basic ada:hunter22", "basic ada:hunter22", PASSWORD, "basic ada:${secret.password}"),
        ('auth: "basic ada:hunter22"', "basic ada:hunter22", PASSWORD, "basic ada:${secret.password}"),
        ("headers: {Authorization: Bearer abcdef123}", "Bearer abcdef123", KEY, "Bearer ${secret.api_key}"),
        ("headers: {X-Api-Key: 9f2c1d7e4b8a6c3d0e}", "9f2c1d7e4b8a6c3d0e", KEY, "${secret.api_key}"),
        ("json: {a: [ghp_0123456789abcdefghij0123456789abcdef]}", "ghp_0123456789abcdefghij0123456789abcdef", KEY,
         "${secret.api_key}"),
        ("body: id=AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", KEY, "${secret.api_key}"),
        ("url: https://ada:geheim12@shop.test/", "geheim12", PASSWORD, "${secret.password}"),
        ("get: /v1?api_key=9f2c1d7e4b8a6c3d0e&a=1", "9f2c1d7e4b8a6c3d0e", KEY, "${secret.api_key}"),
        ("json: {password: x7Kq9vRt2LmZp4Ws}", "x7Kq9vRt2LmZp4Ws", PASSWORD, "${secret.password}"),
        ("notify: [{slack: https://hooks.slack.com/services/T0/B0/abc}]", "https://hooks.slack.com/services/T0/B0/abc",
         "webhook: SEARCH_WEBHOOK", "${secret.webhook}"),
        (f"body: {TOKEN}", TOKEN, KEY, "${secret.api_key}"),
        ("body: '-----BEGIN RSA PRIVATE KEY-----'", "-----BEGIN RSA PRIVATE KEY-----", KEY, "${secret.api_key}"),
    ],
)  # fmt: skip
def test_a_literal_credential_is_found(text, found, secret, instead):
    assert said(text) == [f"{found} -> add `secrets: {{{secret}}}` and write `{instead}`"]


@pytest.mark.parametrize(
    "text",
    [
        "auth: bearer ${secret.api_key}",
        "auth: bearer ${token}",
        "auth: basic ada:${secret.password}",
        "auth: none",
        "about: basic checks of the shop",
        "capture: {token: secret $.token}",
        "capture: {token: $.data.session_token_1}",
        "secrets: {api_key: {from_env: SEARCH_API_KEY, when_local: perf-local-key}}",
        "secrets: {api_key: SEARCH_API_KEY_OF_2024}",
        "json: {password: wrong-password}",
        "json: {task: sk-one, key: ask-me-anything-about-it}",
        "url: https://shop.test:8080/a@b",
        "get: /v1?token=${token}&key=name",
        "json: {id: 9f2c1d7e-4b8a-6c3d-9f2c-1d7e4b8a6c3d}",
    ],
)
def test_what_is_no_credential_is_let_be(text):
    assert said(text) == []


def test_without_a_service_the_variable_has_the_name_of_the_secret():
    assert "`secrets: {api_key: API_KEY}`" in said("auth: bearer 12345678", "")[0]
    assert "MY_SHOP_API_KEY" in said("auth: bearer 12345678", "my-shop")[0]
