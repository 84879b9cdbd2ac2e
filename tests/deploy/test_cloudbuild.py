"""cloudbuild.yaml against Cloud Build's own message, and its scripts."""

from __future__ import annotations

import re
import subprocess
from importlib import import_module
from typing import Any

import pytest
import yaml

from tests.deploy.support import ROOT, tool

# Loaded by name: what Google's packages say of their types, and what they say of one another's
# name spaces, does not agree.
cloudbuild_v1: Any = import_module("google.cloud.devtools.cloudbuild_v1")
json_format: Any = import_module("google.protobuf.json_format")

BUILT_IN = {"PROJECT_ID", "BUILD_ID", "LOCATION"}
"""What Cloud Build itself sets for triggers and for builds that are submitted by hand."""


def config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
    return found


def test_cloud_build_takes_it() -> None:
    build = cloudbuild_v1.Build()
    json_format.ParseDict(config(), cloudbuild_v1.Build.pb(build))
    assert [step.id for step in build.steps] == ["build", "test", "rollout"]
    assert build.options.logging == cloudbuild_v1.BuildOptions.LoggingMode.CLOUD_LOGGING_ONLY


def test_a_mistake_would_be_found() -> None:
    wrong = config() | {"stepz": []}
    with pytest.raises(json_format.ParseError, match="stepz"):
        json_format.ParseDict(wrong, cloudbuild_v1.Build.pb(cloudbuild_v1.Build()))


def test_every_substitution_has_a_value_also_by_hand() -> None:
    """$SHORT_SHA and the like are empty when a build is submitted from a folder."""
    text = (ROOT / "cloudbuild.yaml").read_text()
    used = set(re.findall(r"(?<!\$)\$\{?([A-Z_][A-Z0-9_]*)", text))
    assert used <= BUILT_IN | set(config()["substitutions"]), used
    assert all(config()["substitutions"].values())


@pytest.mark.parametrize("step", config()["steps"], ids=lambda step: str(step["id"]))
def test_a_step_s_script_has_no_known_mistakes(step: dict[str, Any]) -> None:
    option, script = step["args"]
    assert option == "-euc"
    shell = step["entrypoint"]
    body = re.sub(r"\$\{(_?[A-Z_]+)\}", r"value-of-\1", script)  # Cloud Build has put it in by then
    done = subprocess.run(
        [tool("shellcheck"), f"--shell={shell}", "-"], input=f"#!/bin/{shell}\n{body}",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def test_the_digest_that_is_pushed_is_the_one_that_is_tested_and_rolled_out() -> None:
    build, *later = (step["args"][1] for step in config()["steps"])
    assert "--push" in build
    for script in later:
        assert "@$(cat /workspace/digest)" in script
    [sed] = re.findall(r"sed -n '(.*)' /workspace", build)
    metadata = (
        '{\n "buildx.build.ref": "x",\n "containerimage.digest": "sha256:%s",\n "a": 1\n}'
        % ("ab" * 32)
    )
    done = subprocess.run(
        ["sed", "-n", sed], input=metadata, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "sha256:" + "ab" * 32


def test_traffic_comes_after_the_tests() -> None:
    order = [step["id"] for step in config()["steps"]]
    assert order.index("test") < order.index("rollout")
    assert all("waitFor" not in step and not step.get("allowFailure") for step in config()["steps"])


@pytest.mark.parametrize("file", ["deploy/test.Dockerfile", "deploy/beam.Dockerfile"])
def test_the_other_images_have_no_known_mistakes(file: str) -> None:
    done = subprocess.run(
        [tool("hadolint"), file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
