"""deploy/setup.sh, and what holds for every script of the project."""

from __future__ import annotations

import re
import shlex
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from labeler.cli.program import _parser
from labeler.settings import load_settings
from tests.deploy.recorder import recording
from tests.deploy.support import DEPLOY, ROOT, needs_gcloud, stand_in, tool, tracked

SCRIPT = DEPLOY / "setup.sh"
GIVEN = (
    "my-project", "europe-west1", "gs://my-labels/one",
    "--admins", "ana@example.com,bo@example.com",
    "--labelers", "@example.com", "--people", "group:labelers@example.com",
    "--uploads-bucket", "my-pictures",
)  # fmt: skip
WRITTEN = Path(__file__).with_name("setup.txt")
"""What a dry run prints for them, with ROOT where the project lies."""

SHELL = [name for name in tracked() if name.endswith(".sh") or name == ".ci/run"]


def setup(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The script, where there is no gcloud."""
    return subprocess.run(
        [SCRIPT, *arguments], env={"PATH": "/usr/bin:/bin"}, cwd="/", capture_output=True,
        text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", SHELL)
def test_a_script_has_no_known_mistakes(name: str) -> None:
    for command in (["bash", "-n", name], [tool("shellcheck"), "--external-sources", name]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["setup.sh", "bucket.sh", "smoke.py", "rollout.py"])
def test_a_script_can_be_run(name: str) -> None:
    assert (DEPLOY / name).stat().st_mode & stat.S_IXUSR


def test_a_dry_run_prints_what_would_be_done_and_does_nothing() -> None:
    done = setup(*GIVEN, "--dry-run")
    assert done.returncode == 0
    assert done.stdout == WRITTEN.read_text().replace("ROOT", str(ROOT))
    assert "doctor --service -" in done.stderr


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line) for line in text.splitlines() if line.startswith("gcloud ")]


def test_without_the_proxy_people_get_in_by_their_account() -> None:
    done = setup("p", "r", "labels", "--people", "user:ana@example.com", "--no-iap", "--dry-run")
    text = done.stdout
    assert "LABELER_AUTH" not in text
    assert not any(
        "iap" in word for words in commands(text) for word in words if "enable" not in words
    )
    *_, last = commands(text)
    assert "--member=user:ana@example.com" in last
    assert "--role=roles/run.invoker" in last


def test_nobody_gets_more_than_they_need() -> None:
    roles = {
        (words[1], member, role)
        for words in commands(WRITTEN.read_text())
        for member in (word.partition("serviceAccount:")[2].partition("@")[0] for word in words)
        for role in (word.removeprefix("--role=") for word in words if word.startswith("--role="))
        if member
    }
    runtime = sorted(role for _, member, role in roles if member == "labeler")
    assert runtime == ["roles/secretmanager.secretAccessor", "roles/storage.objectUser"]
    assert not {role for *_, role in roles} & {"roles/owner", "roles/editor", "roles/run.admin"}
    on_project = {(member, role) for what, member, role in roles if what == "projects"}
    assert on_project == {
        ("labeler-build", "roles/run.builder"), ("labeler-build", "roles/run.developer"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["p", "r"], ["p", "r", "b", "c"], ["p", "r", "b", "--no-such"],
        ["p", "r", "b", "--people"], ["p", "r", "b", "--people", "ana@example.com"],
        ["p", "r", "b", "--service", "Labeler"], ["p", "r", "_"], ["p", "r", "b", "--kms-key", "k"],
    ],
)  # fmt: skip
def test_wrong_usage_is_two(arguments: list[str]) -> None:
    done = setup(*arguments, "--dry-run")
    assert done.returncode == 2
    assert "gcloud iam" not in done.stdout
    assert ".sh: " in done.stderr


def test_an_index_is_made_if_asked_for() -> None:
    without, with_it = (
        {shlex.join(words) for words in commands(setup(*GIVEN, *more, "--dry-run").stdout)}
        for more in ([], ["--index"])
    )
    added = "\n".join(sorted(with_it - without))
    for words in (
        "cloudscheduler.googleapis.com", "sqladmin.googleapis.com", "sql instances create",
        "sql databases create labeler --instance=labeler-index", "sql users create labeler",
        "--member=serviceAccount:labeler@my-project.iam.gserviceaccount.com "
        "--role=roles/cloudsql.client",
        "run services update labeler --region=europe-west1 "
        "--add-cloudsql-instances=my-project:europe-west1:labeler-index "
        "--update-secrets=LABELER_INDEX=labeler-index:latest",
        "run jobs deploy labeler-index", "run jobs execute labeler-index", "scheduler jobs create",
    ):  # fmt: skip
        assert words in added
    assert "--index" not in added
    assert [line.split()[1] for line in without - with_it] == ["services"]  # which are enabled


def test_the_job_of_the_index_runs_a_command_that_there_is() -> None:
    words = yaml.safe_load((DEPLOY / "index.yaml").read_text())
    python, *arguments = words["--args"]
    assert (words["--command"], python, arguments[0]) == (["python"], "-m", "labeler")
    assert _parser().parse_args(arguments[1:]).what == "sync"


def test_the_password_of_the_index_is_in_its_secret_alone(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "again")]
    for folder in folders:
        folder.mkdir()
    first = told(folders[0], "--index", there=False)
    again = told(folders[1], "--index", there=True)
    address = (folders[0] / "secret").read_text().splitlines()[-1]
    found = re.fullmatch(
        r"postgresql\+psycopg://labeler:([0-9a-f]{48})@/labeler"
        r"\?host=/cloudsql/my-project:europe-west1:labeler-index",
        address,
    )
    assert found is not None
    assert found[1] not in "".join(first)
    assert load_settings({"LABELER_INDEX": address}).index == address
    assert not [call for call in again if "sql" in call and " create " in call]
    assert not (folders[1] / "secret").exists()


def told(folder: Path, *more: str, there: bool) -> list[str]:
    """What gcloud is told by a real run, in a project where all is there, or nothing."""
    missing = "exit 1" if not there else "echo europe-west1"
    calls = stand_in(
        folder, "gcloud",
        f'case "$*" in *"projects describe"*) echo 123;; *"].image"*) echo IMAGE;; '
        f'*" describe "*) {missing};; '
        f'*"secrets create"*) cat >>"{folder}/secret";; esac',
    )  # fmt: skip
    done = subprocess.run(
        [SCRIPT, *GIVEN, *more], env={"PATH": f"{folder}:/usr/bin:/bin"}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout == ""
    return [" ".join(call) for call in calls()]


def test_a_run_makes_what_is_missing_and_another_nothing(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "again")]
    for folder in folders:
        folder.mkdir()
    first, again = told(folders[0], there=False), told(folders[1], there=True)
    secret = (folders[0] / "secret").read_text().strip()
    assert len(secret) == 64
    assert secret not in "".join(first)
    made = [call for call in first if " create " in call or call.startswith("run deploy")]
    assert len(made) == 8
    assert not set(made) & set(again) - {call for call in made if "identity create" in call}
    assert not (folders[1] / "secret").exists()
    lasting = {call for call in first if "describe" not in call} - set(made)
    assert lasting <= set(again)  # rights and settings are given again, and stay as they are
    assert any("LABELER_IAP_AUDIENCE=/projects/123/" in call for call in first)


@needs_gcloud
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_google_s_command_knows_every_word(tmp_path: Path) -> None:
    """Each command gets as far as asking Google, who refuses; a wrong flag would end with 2."""
    shapes = {
        tuple(word.partition("=")[0] for word in words): words
        for words in commands(setup(*GIVEN, "--index", "--dry-run").stdout)
        if "lifecycle-file" not in str(words)  # tests/storage/doctor/test_script.py runs that one
    }
    assert len(shapes) > 10
    with recording(refuses=True) as google, ThreadPoolExecutor(2) as pool:

        def run(number: int, words: list[str]) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                words, env=google.environ(tmp_path / str(number)), capture_output=True, text=True,
                timeout=240, check=False,
            )  # fmt: skip

        for done in pool.map(run, range(len(shapes)), shapes.values()):
            assert done.returncode != 2, done.stderr
            assert "crashed" not in done.stderr, done.stderr
        assert len(google.asked) >= len(shapes)
