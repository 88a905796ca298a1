"""Each service does what its OpenAPI description says: schemathesis sends what is allowed and what is not.

In the same process and without latency; what the services do as processes is looked at elsewhere.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode

from perfspec.reference.application import Settings
from perfspec.reference.assessment import DEFAULT_PASSWORD, assessment_app
from perfspec.reference.gateway import DEFAULT_API_KEY, gateway_app
from perfspec.reference.search import search_app
from perfspec.reference.service import Surroundings
from perfspec.reference.sessions import Session, sign_in

APPS = {
    "gateway": lambda settings: (gateway_app(settings, per_s=1_000_000), DEFAULT_API_KEY),
    "assessment": lambda settings: (assessment_app(settings), sign_in(Session("a", "student"), DEFAULT_PASSWORD)),
    "search": lambda settings: (search_app(settings, documents=200), DEFAULT_API_KEY),
}


async def at_once(_: float) -> None:
    """No time passes."""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what schemathesis is built upon
@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize("service", APPS)
def test_the_description_holds(service, mode) -> None:
    app, token = APPS[service](Settings(surroundings=Surroundings(sleep=at_once)))
    sent: dict[str, int] = {}

    def check(operation) -> None:
        @given(case=operation.as_strategy(generation_mode=GenerationMode(mode)))
        @settings(
            max_examples=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            derandomize=True,
            phases=[Phase.generate],
        )
        def send(case) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"})
            sent[operation.label] = sent.get(operation.label, 0) + 1

        send()

    for found in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        check(found.ok())
    assert len(sent) == {"gateway": 2, "assessment": 7, "search": 5}[service]
    assert min(sent.values()) >= 1
