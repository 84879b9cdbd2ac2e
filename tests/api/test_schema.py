"""The OpenAPI document: it names what there is, and what it says is so."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.api.conftest import Open
from tests.api.support import Api
from tests.api.test_health import ALLOWED

CONFIG = Path(__file__).with_name("schemathesis.toml")


def test_it_names_every_call_and_no_other(api: Api) -> None:
    document = api.client.get("/api/openapi.json").json()
    described = {
        re.sub(r"{\w+}", "{id}", path): {method.upper() for method in calls}
        for path, calls in document["paths"].items()
    }
    there = {path: set(methods.split(", ")) - {"HEAD"} for path, methods in ALLOWED.items()}
    del there["/api/openapi.json"]
    assert described == there


def test_a_part_that_is_named_is_there(api: Api) -> None:
    answer = api.client.get("/api/openapi.json")
    parts = answer.json()["components"]
    for name in re.findall(r'"#/components/schemas/(\w+)"', answer.text):
        assert name in parts["schemas"]
    operations = set(re.findall(r'"operationId":"(\w+)","summary"', answer.text))
    assert operations >= set(re.findall(r'"operationId":"(\w+)","parameters":{', answer.text))
    assert len(operations) == len(re.findall('"summary"', answer.text))


@pytest.mark.slow
@pytest.mark.timeout(900)  # hundreds of calls, on a busy machine too
@pytest.mark.parametrize("who", ["nobody is asked", "signed in", "not signed in"])
def test_a_stranger_who_has_only_the_document_finds_nothing_wrong(
    open_api: Open, tmp_path: Path, who: str
) -> None:
    """Schemathesis makes calls of every kind from the document and checks every answer by it."""
    api = open_api(LABELER_MAX_CALLS_PER_S="0")  # an answer to any call may be 429 otherwise
    for name in ("a.png", "b.png", "c.png"):
        api.image(name)
    own = []
    if who != "nobody is asked":
        api = open_api(LABELER_AUTH="oidc", LABELER_MAX_CALLS_PER_S="0")
        # Nothing is accepted, but each refusal has to be as the document says.
        own = ["--exclude-checks", "positive_data_acceptance,negative_data_rejection"]
    if who == "signed in":
        own = ["--header", f"Authorization: Bearer {api.token('ana@example.com', time.time())}"]
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG, "run",
            f"http://127.0.0.1:{api.served.port}/api/openapi.json",
            "--max-examples=8", "--seed=1", "--warnings=off", *own,
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=850, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
