"""How a command ends, and what it loads."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from labeler import __version__
from labeler.model.layout import document_key
from labeler.storage import open_store
from tests.cli.support import PROGRAM, ROOT, Done, Run, labeled
from tests.gcs_server import Fault, GcsServer
from tests.projects import Workspace, old_document


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["dance"], ["add"], ["show"], ["list", "--status", "x"], ["export"],
        ["export", "pdf"], ["list", "extra"], ["--nonsense"],
    ],
)  # fmt: skip
def test_wrong_usage_is_two(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("usage: ")


def test_help_is_on_stdout(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    for name in ("add", "list", "show", "export", "stats", "check", "doctor"):
        assert name in done.out
        assert run(name, "--help").code == 0


def test_the_version_is_reported_whatever_is_set(run: Run) -> None:
    assert run("--version", IMAGE_ID="sequence") == Done(0, f"Labeler {__version__}\n", "")


def test_a_wrong_setting_is_reported_in_a_line(run: Run) -> None:
    done = run("list", IMAGE_ID="sequence")
    assert (done.code, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert "LABELER_IMAGE_ID='sequence'" in done.err


def test_a_setting_that_nobody_knows_is_reported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    done = run("list", STORAGES="x")
    assert done.code == 0
    assert "LABELER_STORAGES" in done.err
    assert "LABELER_STORAGE?" in done.err


def test_a_bucket_that_is_not_there_is_reported(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with GcsServer() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        done = run("list", STORAGE="gs://nowhere")
    assert (done.code, done.out) == (1, "")
    assert "there is no bucket nowhere" in done.err


def test_a_bucket_is_worked_on_like_a_folder(photos: Path) -> None:
    with GcsServer(buckets=["labels"]) as server:
        environ = os.environ | {
            "STORAGE_EMULATOR_HOST": server.url, "LABELER_STORAGE": "gs://labels/one",
        }  # fmt: skip
        for arguments in (["add", str(photos)], ["list"], ["stats"], ["check"], ["export", "coco"]):
            done = subprocess.run(
                [*PROGRAM, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            assert "Unclosed" not in done.stderr
            assert done.stdout
        names = sorted(server.bucket("labels").live)
    assert len(names) == 3 + 3 + 5
    assert all(name.startswith("one/") for name in names)


def start(*arguments: str, storage: str, **more: str) -> subprocess.Popen[bytes]:
    environ = os.environ | {"LABELER_STORAGE": storage, "PYTHONUNBUFFERED": ""} | more
    return subprocess.Popen(
        [*PROGRAM, *arguments], cwd=ROOT, env=environ,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_reader_who_goes_away_ends_it_quietly(workspace: Workspace) -> None:
    store = open_store(workspace.settings.storage)
    for number in range(300):
        name = f"{number:0200}.png"
        workspace.put(document_key(f"n{number}"), old_document(name))
    store.close()
    process = start("list", storage=workspace.place)
    assert process.stdout
    assert process.stderr
    process.stdout.read(1)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == -signal.SIGPIPE


def test_help_for_a_reader_who_goes_away_ends_quietly(tmp_path: Path) -> None:
    process = start("--help", storage=str(tmp_path))
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == -signal.SIGPIPE


def test_ctrl_c_ends_it_quietly() -> None:
    with GcsServer(buckets=["labels"]) as server:
        asked = threading.Event()
        server.faults.add(Fault("delay", seconds=60), path="/o", times=-1)
        process = start("list", storage="gs://labels", STORAGE_EMULATOR_HOST=server.url)
        while not server.requests:
            asked.wait(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (out, err, process.returncode) == (b"", b"", -signal.SIGINT)


def test_a_full_disk_is_reported(workspace: Workspace) -> None:
    image_id, _ = labeled(workspace)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, "show", image_id],
            cwd=ROOT, env=os.environ | {"LABELER_STORAGE": workspace.place},
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "labeler: the output can't be written: No space left on device.\n"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_what_it_prints_is_utf8_wherever_it_runs(workspace: Workspace, encoding: str) -> None:
    workspace.put(document_key("x"), old_document("猫é.png"))
    environ = os.environ | {"LABELER_STORAGE": workspace.place, "PYTHONIOENCODING": encoding}
    for arguments in (["list"], ["list", "--json"], ["show", "x"]):
        done = subprocess.run(
            [*PROGRAM, *arguments], cwd=ROOT, env=environ, capture_output=True, check=True
        )
        assert "猫é.png" in done.stdout.decode("utf-8")


def test_a_file_name_that_is_no_utf8_is_reported(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    Path(os.fsdecode(name)).write_bytes(b"words")
    done = subprocess.run(
        [*PROGRAM, "add", name], cwd=ROOT, capture_output=True, check=False,
        env=os.environ | {"LABELER_STORAGE": str(tmp_path / "data")},
    )  # fmt: skip
    assert done.returncode == 1
    assert b"\\udcff" in done.stderr


def test_progress_is_for_people_who_look(tmp_path: Path, photos: Path) -> None:
    """On a terminal the line on stderr changes and goes away; the results are on stdout alone."""
    main_end, other_end = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "add", str(photos)], cwd=ROOT, stdout=subprocess.PIPE, stderr=other_end,
        env=os.environ | {"LABELER_STORAGE": str(tmp_path / "data")},
    )  # fmt: skip
    out, _ = process.communicate()
    os.close(other_end)
    shown = os.read(main_end, 100_000).decode()
    os.close(main_end)
    assert process.returncode == 0
    assert "0 of 3 images" in shown
    assert shown.endswith("\r\x1b[K")
    assert out.count(b"\n") == 3


@pytest.mark.parametrize("command", ["list", "stats", "check", "--help"])
def test_a_folder_is_looked_at_without_pages_and_cloud(tmp_path: Path, command: str) -> None:
    code = (
        "import sys; from labeler.cli import main\n"
        f"try: main([{command!r}])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"LABELER_STORAGE": str(tmp_path)},
    )  # fmt: skip
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded & {"streamlit", "starlette", "google", "gcsfs", "requests", "aiohttp"}
