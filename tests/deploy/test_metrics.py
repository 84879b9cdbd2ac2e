"""deploy/metrics/: metrics of what the program really logs, and alerts on what is measured."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from labeler.runtime.events import EVENT, EVENTS, Event
from labeler.runtime.logs import JsonLines, LogSource
from tests.deploy.schemas import mistakes

FOLDER = Path(__file__).parents[2] / "deploy" / "metrics"
SCRIPT = FOLDER / "apply.sh"
METRICS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))}
ALERTS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*/*.yaml"))}
VALUES = {"int": 7, "float": 7.5, "str": "text", "bool": True}
gcloud = shutil.which("gcloud")


def logged(event: type[Event]) -> dict[str, Any]:
    """The entry that the program writes for such an event."""
    values = {field.name: VALUES[str(field.type)] for field in fields(event)}
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "text", None, None)
    setattr(record, EVENT, event(**values))
    entry: dict[str, Any] = json.loads(JsonLines(LogSource()).format(record))
    return entry


LOGGED = {event.NAME: logged(event) for event in EVENTS}


def counted_by(metric: dict[str, Any]) -> list[str]:
    """The events that the metric's filter names."""
    return re.findall(r'jsonPayload\.event="(\w+)"', metric["filter"])


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_one_that_the_api_takes(name: str) -> None:
    metric = METRICS[name]
    assert mistakes("logging.v2", "LogMetric", metric) == []
    assert metric["name"] == f"labeler_{name}"
    assert metric["description"]
    takes_values = metric["metricDescriptor"]["valueType"] == "DISTRIBUTION"
    assert takes_values == ("valueExtractor" in metric) == ("bucketOptions" in metric)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_made_from_what_the_program_logs(name: str) -> None:
    metric = METRICS[name]
    events = counted_by(metric)
    assert events
    assert set(events) <= LOGGED.keys()
    extracted = re.fullmatch(r"EXTRACT\(jsonPayload\.(\w+)\)", metric.get("valueExtractor", ""))
    if "valueExtractor" in metric:
        assert extracted
        assert isinstance(LOGGED[events[0]][extracted[1]], int | float)
    labels = {label["key"] for label in metric["metricDescriptor"].get("labels", ())}
    assert labels == metric.get("labelExtractors", {}).keys()
    named = re.findall(
        r"jsonPayload\.(\w+)", metric["filter"] + str(metric.get("labelExtractors", ""))
    )
    for field in named:
        assert any(field in LOGGED[event] for event in events), f"no {events} has {field}"


def test_all_that_is_to_be_measured_is() -> None:
    assert METRICS.keys() == {
        "saves", "save_failures", "conflicts", "merges", "retries", "save_latency",
        "export_duration", "bucket_class_a", "bucket_class_b", "not_ready", "uploads",
    }  # fmt: skip
    assert ALERTS.keys() == {"saves_fail", "conflicts_jump", "not_ready"}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_one_that_the_api_takes_and_watches_a_metric_of_ours(name: str) -> None:
    alert = ALERTS[name]
    assert mistakes("monitoring.v3", "AlertPolicy", alert) == []
    assert alert["userLabels"] == {"labeler_alert": name}
    for condition in alert["conditions"]:
        threshold = condition["conditionThreshold"]
        [metric] = re.findall(r'googleapis\.com/user/labeler_(\w+)"', threshold["filter"])
        assert METRICS[metric]["metricDescriptor"]["valueType"] == "INT64"
    assert "jsonPayload.event=" in alert["documentation"]["content"]
    for event in re.findall(r'(?:payload\.)?event="(\w+)"', alert["documentation"]["content"]):
        assert event in LOGGED


def test_mistakes_are_seen() -> None:
    metric = METRICS["saves"]
    assert mistakes("logging.v2", "LogMetric", {**metric, "fliter": ""})
    wrong = {**metric["metricDescriptor"], "metricKind": "SUM"}
    assert mistakes("logging.v2", "LogMetric", {**metric, "metricDescriptor": wrong})


# --- the script ---------------------------------------------------------------------------


def script(
    *arguments: str, env: dict[str, str] | None = None, path: Path = SCRIPT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run([path, *arguments], env=env, capture_output=True, text=True, check=False)


def test_the_script_has_no_known_mistakes_and_can_be_run() -> None:
    checker = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or "shellcheck"
    done = subprocess.run([checker, SCRIPT], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)
    assert SCRIPT.stat().st_mode & stat.S_IXUSR


def test_a_dry_run_prints_a_command_for_each_file_and_runs_none() -> None:
    channel = "projects/p/notificationChannels/1"
    done = script("--dry-run", "--channel", channel, env={"PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        *(
            f"gcloud logging metrics create labeler_{name} --config-from-file={name}.yaml"
            for name in METRICS
        ),
        *(
            f"gcloud monitoring policies create --policy-from-file=alerts/{name}.yaml "
            f"--notification-channels={channel}"
            for name in ALERTS
        ),
    ]


@pytest.mark.parametrize("arguments", [["x"], ["--project"], ["--no-such"]])
def test_wrong_usage_is_two(arguments: list[str]) -> None:
    done = script(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "apply.sh: " in done.stderr


class Cloud(ThreadingHTTPServer):
    """Holds metrics and alert policies, as Cloud Logging and Cloud Monitoring do."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Calls)
        self.metrics: dict[str, Any] = {}
        self.policies: dict[str, Any] = {}


class _Calls(BaseHTTPRequestHandler):
    server: Cloud

    def do_GET(self) -> None:
        _, _, _, _, kind, *rest = urlsplit(self.path).path.split("/")
        held = self.server.metrics if kind == "metrics" else self.server.policies
        if rest:
            found = held.get(unquote(rest[-1]))
            self._answer(found or {"error": {"code": 404}}, 200 if found else 404)
        else:
            self._answer({kind: list(held.values())})

    def do_POST(self) -> None:
        asked = self._body()
        if "/metrics" in self.path:
            if asked["name"] in self.server.metrics:
                self._answer({"error": {"code": 409}}, 409)
                return
            self.server.metrics[asked["name"]] = asked
        else:
            name = f"projects/p/alertPolicies/{len(self.server.policies) + 1}"
            asked["name"] = name
            self.server.policies[name.rpartition("/")[2]] = asked
        self._answer(asked)

    def do_PUT(self) -> None:
        asked = self._body()
        self.server.metrics[asked["name"]] = asked
        self._answer(asked)

    def do_PATCH(self) -> None:
        name = urlsplit(self.path).path.removeprefix("/v3/")
        assert "updateMask" not in self.path
        asked = self.server.policies[name.rpartition("/")[2]] = {**self._body(), "name": name}
        self._answer(asked)

    def _body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return found

    def _answer(self, value: Any, status: int = 200) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(gcloud is None, reason="the command gcloud is not installed")
def test_the_script_makes_all_and_sets_it_anew(cloud: Cloud, tmp_path: Path) -> None:
    """With Google's own command, twice: nothing is doubled, and chosen channels stay."""
    url = f"http://127.0.0.1:{cloud.server_port}/"
    env = os.environ | {
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING": url,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING": url,
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
        "LABELER_METRICS_WAIT_S": "0",
    }
    first = script("--project", "p", env=env)
    assert first.returncode == 0, first.stderr
    assert cloud.metrics.keys() == {metric["name"] for metric in METRICS.values()}
    assert cloud.metrics["labeler_saves"] == METRICS["saves"]
    assert len(cloud.policies) == len(ALERTS)
    for policy in cloud.policies.values():
        policy["notificationChannels"] = ["projects/p/notificationChannels/1"]
        policy["conditions"] = []
    cloud.metrics["labeler_saves"] = {**METRICS["saves"], "filter": "old"}
    # With two of the metrics: the others would be found and set in the same way.
    folder = tmp_path / "again"
    shutil.copytree(FOLDER, folder)
    for name in METRICS.keys() - {"saves", "uploads"}:
        (folder / f"{name}.yaml").unlink()
    again = script("--project", "p", env=env, path=folder / SCRIPT.name)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("metrics update") == 2
    assert cloud.metrics.keys() == {metric["name"] for metric in METRICS.values()}
    assert cloud.metrics["labeler_saves"] == METRICS["saves"]
    assert len(cloud.policies) == len(ALERTS)
    for policy in cloud.policies.values():
        assert policy["notificationChannels"] == ["projects/p/notificationChannels/1"]
        assert policy["conditions"]
