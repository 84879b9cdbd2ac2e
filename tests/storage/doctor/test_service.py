"""What a service's description means: what keeps people out, lets anybody in, or loses boxes."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labeler.cli import main
from labeler.errors import LabelerError
from labeler.storage.doctor import Finding, Level
from labeler.storage.doctor.service import examine_service
from tests.deploy.recorder import recording
from tests.deploy.support import needs_gcloud
from tests.storage.doctor.support import bad, only

RUN = "run.googleapis.com/"
AUDIENCE = "/projects/123/locations/europe-west1/services/labeler"


def service() -> dict[str, Any]:
    """As Google describes one that deploy/setup.sh has made."""
    path = Path(__file__).parents[2] / "deploy" / "service.json"
    made: dict[str, Any] = json.loads(path.read_text())
    made["metadata"] |= {
        "namespace": "123",
        "labels": {"cloud.googleapis.com/location": "europe-west1"},
        "annotations": {f"{RUN}iap-enabled": "true"},
    }
    made["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    variables(made) .extend([
        {"name": "LABELER_AUTH", "value": "iap"},
        {"name": "LABELER_IAP_AUDIENCE", "value": AUDIENCE},
    ])  # fmt: skip
    return made


def container(made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = made["spec"]["template"]["spec"]["containers"][0]
    return found


def variables(made: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = container(made)["env"]
    return found


def put(made: dict[str, Any], **values: str | None) -> dict[str, Any]:
    """Set variables, named without their prefix; None takes one away."""
    names = {f"LABELER_{name}" for name in values}
    kept = [one for one in variables(made) if one["name"] not in names]
    new = [{"name": f"LABELER_{name}", "value": value} for name, value in values.items() if value]
    container(made)["env"] = kept + new
    return made


def note(made: dict[str, Any], **values: str | None) -> dict[str, Any]:
    """Set notes of the service or its revisions; None takes one away."""
    for name, value in values.items():
        for notes in (
            made["metadata"]["annotations"], made["spec"]["template"]["metadata"]["annotations"],
        ):  # fmt: skip
            for full in (f"{RUN}{name.replace('_', '-')}", f"autoscaling.knative.dev/{name}"):
                if full in notes:
                    del notes[full]
        if value is not None:
            made["metadata"]["annotations"][f"{RUN}{name.replace('_', '-')}"] = value
    return made


def examined(made: dict[str, Any]) -> list[Finding]:
    return list(examine_service(json.dumps(made)))


def test_at_a_service_as_it_should_be_nothing_is_wrong() -> None:
    findings = examined(service())
    assert bad(findings) == []
    told = "\n".join(one.what for one in findings)
    for word in ("Identity-Aware Proxy asks", "60 minutes", "session affinity", "CPU", "Secret",
                 "CORS", "gs://my-labels", "40 requests", "/api/health"):  # fmt: skip
        assert word in told


def with_port(made: dict[str, Any], name: str) -> dict[str, Any]:
    container(made)["ports"][0]["name"] = name
    return made


def with_probe(made: dict[str, Any], path: str) -> dict[str, Any]:
    container(made)["livenessProbe"]["httpGet"]["path"] = path
    return made


def with_spec(made: dict[str, Any], **values: Any) -> dict[str, Any]:
    spec = made["spec"]["template"]["spec"]
    for name, value in values.items():
        if value is None:
            del spec[name]
        else:
            spec[name] = value
    return made


def with_memory(made: dict[str, Any], amount: str) -> dict[str, Any]:
    container(made)["resources"]["limits"]["memory"] = amount
    return made


def failed(made: dict[str, Any]) -> dict[str, Any]:
    made["status"]["conditions"][0] |= {"status": "False", "message": "no such image"}
    return made


ANOTHER = AUDIENCE.replace("123", "124")
DATABASE = "postgresql+psycopg://labeler@/labeler?host=/cloudsql/p:r:i"
WRONG: list[tuple[dict[str, Any], Level, str, str]] = [
    (failed(service()), Level.FAULT, "no such image", "logs read labeler"),
    (with_spec(service(), timeoutSeconds=None), Level.WARNING, "after 5 minutes", "--timeout=3600"),
    (note(service(), sessionAffinity=None), Level.WARNING, "affinity is off", "--session-affinity"),
    (note(service(), startup_cpu_boost="False"), Level.WARNING, "boost is off", "--cpu-boost"),
    (note(service(), cpu_throttling=None), Level.WARNING, "taken away", "--no-cpu-throttling"),
    (with_port(service(), "h2c"), Level.FAULT, "HTTP/2", "--no-use-http2"),
    (with_probe(service(), "/_stcore/health"), Level.WARNING, "/_stcore", "--liveness-probe="),
    (with_probe(service(), "/api/ready"), Level.WARNING, "/api/ready", "httpGet.path=/api/health"),
    (with_memory(service(), "1Gi"), Level.WARNING, "1Gi", "--memory=2Gi"),
    (with_spec(service(), containerConcurrency=1), Level.WARNING, "1 requests", "--concurrency=40"),
    (with_spec(service(), serviceAccountName=None), Level.WARNING, "default account", "labeler@"),
    (put(service(), SECRET_KEY=None), Level.FAULT, "not set", "--update-secrets=LABELER_SECRET"),
    (put(service(), SECRET_KEY="x" * 32), Level.WARNING, "in the open", "--remove-env-vars"),
    (put(service(), STORAGE="data"), Level.FAULT, "folder", "LABELER_STORAGE=gs://"),
    (put(service(), UPLOADS="/srv/x"), Level.FAULT, "Originals are kept in the folder", "gs://"),
    (put(service(), UPLOADS="off"), Level.FAULT, "up to 10 instances", "--max-instances=1"),
    (put(service(), MAX_PIXELS="many"), Level.FAULT, "LABELER_MAX_PIXELS='many'", "--update-env"),
    (put(service(), STORAG="gs://x"), Level.WARNING, "LABELER_STORAGE?", "--update-env-vars"),
    (put(service(), IAP_AUDIENCE=ANOTHER), Level.FAULT, "another service's", AUDIENCE),
    (note(service(), iap_enabled=None), Level.FAULT, "Proxy is off", "--iap"),
    (put(service(), AUTH="none", IAP_AUDIENCE=None), Level.WARNING, "AUTH=none", "AUTH=iap"),
    (
        note(put(service(), AUTH=None, IAP_AUDIENCE=None), iap_enabled=None),
        Level.WARNING, "Nobody is asked", "get-iam-policy",
    ),
    (
        note(put(service(), AUTH=None, IAP_AUDIENCE=None), iap_enabled=None,
             invoker_iam_disabled="true"),
        Level.FAULT, "Everybody on the internet", "--invoker-iam-check",
    ),
    (put(service(), INDEX="sqlite:////srv/x"), Level.FAULT, "each instance", "--remove-env-vars="),
    (put(service(), INDEX=DATABASE), Level.FAULT, "p:r:i", "--add-cloudsql-instances=p:r:i"),
    (
        put(service(), INDEX="postgresql+psycopg://a:word@10.0.0.1/b"),
        Level.WARNING, "in the open", "LABELER_INDEX=labeler-index:latest",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("made", "level", "told", "repair"), WRONG)
def test_what_is_wrong_is_found_with_what_mends_it(
    made: dict[str, Any], level: Level, told: str, repair: str
) -> None:
    found = only(examined(made))
    assert found.level is level
    assert told in found.what
    assert found.why
    assert repair in found.repair
    assert "labeler" in found.repair


@pytest.mark.parametrize(
    "made",
    [
        note(put(service(), UPLOADS="off"), maxScale="1"),
        note(put(service(), IAP_AUDIENCE="/projects/1/global/backendServices/2"), iap_enabled=None),
        note(put(service(), AUTH="oidc", IAP_AUDIENCE=None), iap_enabled=None),
        with_memory(service(), "4Gi"),
        note(put(service(), INDEX=DATABASE), cloudsql_instances="x:y:z,p:r:i"),
    ],
)
def test_what_is_right_in_another_way_is_no_finding(made: dict[str, Any]) -> None:
    assert bad(examined(made)) == []


def test_a_secret_of_another_setting_is_not_judged() -> None:
    made = put(service(), AUTH="oidc", IAP_AUDIENCE=None)
    note(made, iap_enabled=None)
    put(made, OIDC_METADATA_URL="https://id.example/x", OIDC_CLIENT_ID="x",
        OIDC_REDIRECT_URI="https://labeler.example/oauth2callback")  # fmt: skip
    reference = {"secretKeyRef": {"name": "oidc", "key": "latest"}}
    variables(made).append({"name": "LABELER_OIDC_CLIENT_SECRET", "valueFrom": reference})
    assert bad(examined(made)) == []


def test_the_index_may_be_a_secret() -> None:
    made = service()
    reference = {"secretKeyRef": {"name": "labeler-index", "key": "latest"}}
    variables(made).append({"name": "LABELER_INDEX", "valueFrom": reference})
    findings = examined(made)
    assert bad(findings) == []
    assert any("LABELER_INDEX" in one.what for one in findings)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "Job"}', "null", '{"spec": 1}'])
def test_what_describes_no_service_is_refused(text: str) -> None:
    with pytest.raises(LabelerError, match="gcloud run services describe"):
        list(examine_service(text))


def test_the_command_reads_a_file_or_a_pipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "service.json"
    path.write_text(json.dumps(service()))
    assert main(["doctor", "--service", str(path)]) == 0
    told = capsys.readouterr().out
    assert "fault" not in told
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(put(service(), STORAGE="data"))))
    assert main(["doctor", "--service", "-"]) == 1
    assert "fault" in capsys.readouterr().out
    assert main(["doctor", "--service", str(tmp_path / "missing.json")]) == 1
    assert "missing.json can't be read: No such file or directory." in capsys.readouterr().err
    binary = tmp_path / "service.json"
    binary.write_bytes(b"\xff\xfe")
    assert main(["doctor", "--service", str(binary)]) == 1
    assert "service.json can't be read: it is not UTF-8 text." in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["service.json"]  # no place was made


@needs_gcloud
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_google_s_command_knows_what_is_prescribed(tmp_path: Path) -> None:
    """Each gets as far as asking Google, who refuses here; a wrong flag would end with 2."""
    repairs = {only(examined(made)).repair.partition(" && ")[0] for made, *_ in WRONG}
    update = "gcloud run services update labeler --region=europe-west1"
    flags = {
        repair.split()[6].partition("=")[0]: repair
        for repair in sorted(repairs)
        if "-env-" in repair
    }
    flags |= {repair: repair for repair in repairs if not repair.startswith(update)}
    together = {
        repair.removeprefix(update)
        for repair in repairs - set(flags.values())
        if "-env-" not in repair
    }
    assert len(together) > 5
    with recording(refuses=True) as google:
        for repair in (*flags.values(), update + "".join(sorted(together))):
            done = subprocess.run(
                repair.split(), env=google.environ(tmp_path), capture_output=True, text=True,
                check=False, timeout=120,
            )  # fmt: skip
            assert done.returncode == 1, done.stderr
            assert "crashed" not in done.stderr
