"""The command line: what it prints, where, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from labeler.catalogue import document_key
from labeler.cli import main
from labeler.images import name_size_id
from labeler.models import Status
from labeler.storage import open_store
from tests.gcs_server import Fault, GcsServer
from tests.pictures import REAL, jpeg, png, real_photos
from tests.projects import BOX, OTHER, Project, old_document, with_boxes

ROOT = Path(__file__).parents[1]
PROGRAM = (sys.executable, "-m", "labeler")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on an empty folder; settings are named without their prefix."""
    monkeypatch.setenv("LABELER_STORAGE", str(tmp_path / "data"))

    def command(*arguments: object, **environ: str) -> Done:
        for name, value in environ.items():
            monkeypatch.setenv(f"LABELER_{name}", value)
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = int(str(ended.code))
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return command


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """The same folder, seen by the data set itself."""
    made = Project(str(tmp_path / "data"))
    yield made
    made.close()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with three images at several depths, and what is none."""
    folder = tmp_path / "photos"
    for name, data in {
        "b.png": png(),
        "a.JPG": jpeg(),
        "deep/er/c.jpeg": jpeg(32, 32),
        "notes.txt": b"words",
        ".hidden.png": png(),
        ".git/x.png": png(),
        "png": b"no image",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def labelled(project: Project) -> tuple[str, str]:
    """Two labelled images; their IDs."""
    dataset = project.open()
    ids = []
    for name, rects in (("a.png", (BOX, OTHER)), ("b.png", (BOX,))):
        image_id = dataset.add_image(name, png()).image_id
        opened = dataset.open_document(image_id)
        dataset.save_document(image_id, with_boxes(opened, *rects), opened, by="ana@example.com")
        ids.append(image_id)
    return ids[0], ids[1]


# --- add ----------------------------------------------------------------------------------


def test_files_are_added_and_each_is_told(run: Run, photos: Path) -> None:
    path = photos / "b.png"
    image_id = name_size_id("b.png", path.stat().st_size)
    assert run("add", path) == Done(0, f"{image_id}\tb.png\tnew\n", "")
    assert run("add", path) == Done(0, f"{image_id}\tb.png\talready there\n", "")


def test_a_folder_is_added_with_all_that_is_in_it(run: Run, photos: Path) -> None:
    done = run("add", photos)
    assert (done.code, done.err) == (0, "")
    lines = [line.split("\t") for line in done.out.splitlines()]
    assert [line[1:] for line in lines] == [["a.JPG", "new"], ["b.png", "new"], ["c.jpeg", "new"]]
    assert len(run("list").out.splitlines()) == 3


def test_one_that_fails_is_named_and_the_rest_is_done(run: Run, photos: Path) -> None:
    done = run("add", photos / "notes.txt", photos / "missing.png", photos / "b.png")
    assert done.code == 1
    assert [line.split("\t")[1] for line in done.out.splitlines()] == ["b.png"]
    errors = done.err.splitlines()
    assert len(errors) == 2
    assert errors[0].startswith(f"labeler: {photos / 'notes.txt'}: ")
    assert "text file" in errors[0]
    assert errors[1] == f"labeler: {photos / 'missing.png'}: No such file or directory"


def test_a_file_that_is_named_is_added_whatever_its_name(run: Run, photos: Path) -> None:
    (photos / "picture").write_bytes(png())
    assert run("add", photos / "picture", photos / ".hidden.png").code == 0


def test_a_folder_without_an_image_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("add", tmp_path / "empty")
    assert (done.code, done.out) == (1, "")
    assert "no image" in done.err


def test_a_file_that_is_too_large_is_not_even_read(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(2**40)
    done = run("add", path)
    assert done.code == 1
    assert "1048576.0 MB" in done.err


def test_another_picture_of_the_same_id_is_refused(run: Run, tmp_path: Path) -> None:
    for folder, data in (("one", png()), ("two", png()[:-1] + b"\0")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(data)
    assert run("add", tmp_path / "one").code == 0
    done = run("add", tmp_path / "two")
    assert done.code == 1
    assert "LABELER_IMAGE_ID=content" in done.err


def test_a_store_that_refuses_all_is_not_asked_for_ever(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "annotations").touch()
    for number in range(9):
        (photos / f"n{number}.png").write_bytes(png())
    with GcsServer(buckets=["labels"]) as server:
        server.bucket("labels").denied.add("storage.objects.create")
        os.environ["STORAGE_EMULATOR_HOST"] = server.url
        try:
            done = run("add", photos, STORAGE="gs://labels")
        finally:
            del os.environ["STORAGE_EMULATOR_HOST"]
    assert (done.code, done.out) == (1, "")
    lines = done.err.splitlines()
    assert len(lines) == 4
    assert lines[-1] == "labeler: Gave up: 9 more images were not tried."


def test_originals_need_not_be_kept(run: Run, photos: Path, project: Project) -> None:
    assert run("add", photos / "b.png", UPLOADS="off").code == 0
    assert [key.partition("/")[0] for key in project.objects()] == ["annotations"]


# --- list, show ---------------------------------------------------------------------------


def test_the_list_of_nothing_is_empty(run: Run) -> None:
    assert run("list") == Done(0, "", "")
    assert run("list", "--json") == Done(0, "[]\n", "")


def test_the_list_shows_each_image(run: Run, project: Project) -> None:
    first, second = labelled(project)
    project.put("annotations/broken.json", b"{")
    done = run("list")
    assert done.code == 0
    assert [line.split("\t") for line in done.out.splitlines()] == [
        [first, "in_progress", "2", "a.png"],
        [second, "in_progress", "1", "b.png"],
        ["broken", "damaged    ", "0", "broken"],
    ]


def test_the_list_can_be_read_by_programs(run: Run, project: Project) -> None:
    first, _ = labelled(project)
    listed = json.loads(run("list", "--json").out)
    assert [one["image_path"] for one in listed] == ["a.png", "b.png"]
    saved_at = listed[0].pop("saved_at")
    assert saved_at.endswith("+00:00")
    assert listed[0] == {
        "image_id": first,
        "image_path": "a.png",
        "status": "in_progress",
        "rects": 2,
        "saved_by": "ana@example.com",
        "original": "uploads/a.png",
        "problem": "",
    }


@pytest.mark.parametrize("status", Status)
def test_the_list_can_be_of_one_status(run: Run, project: Project, status: Status) -> None:
    for one in Status:
        project.put(document_key(one.value), old_document(one.value, metadata={"status": one}))
    done = run("list", "--status", status)
    assert [line.split("\t")[3] for line in done.out.splitlines()] == [status]


def test_names_can_not_steer_the_terminal(run: Run, project: Project) -> None:
    project.put(document_key("x"), old_document("a\x1b[2J\n\u202eb\u2028c.png"))
    done = run("list")
    assert done.out == "x\tin_progress\t2\ta\\x1b[2J\\n\\u202eb\\u2028c.png\n"


def test_a_document_is_shown_as_it_is(run: Run, project: Project) -> None:
    project.put(document_key("x"), old_document("é.png"))
    done = run("show", "x")
    assert done.code == 0
    assert "é.png" in done.out
    shown = json.loads(done.out)
    ids = [rect.pop("id") for rect in shown["rects"]]
    assert len(set(ids)) == 2
    assert shown == json.loads(old_document("é.png"))


def test_an_image_that_nobody_opened_yet_has_an_empty_document(run: Run, project: Project) -> None:
    project.put("uploads/a.png", png())
    before = project.objects()
    shown = json.loads(run("show", name_size_id("a.png", len(png()))).out)
    assert (shown["rects"], shown["image_width"]) == ([], 64)
    assert project.objects() == before


@pytest.mark.parametrize("image_id", ["nothing", "../labels", "A", ""])
def test_what_is_not_there_is_told(run: Run, image_id: str) -> None:
    done = run("show", image_id)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("labeler: There is no ")


def test_a_damaged_document_is_told(run: Run, project: Project) -> None:
    project.put(document_key("x"), b"{")
    done = run("show", "x")
    assert (done.code, done.out) == (1, "")
    assert "annotations/x.json is damaged" in done.err


# --- stats, check -------------------------------------------------------------------------


def test_images_and_boxes_are_counted(run: Run, project: Project) -> None:
    labelled(project)
    project.put("uploads/c.png", png(32, 32))
    project.put("annotations/broken.json", b"{")
    project.put(document_key("x"), old_document("x.png", metadata={"status": "done"}))
    done = run("stats", LABELS="car,cat")
    assert done == Done(
        0,
        "5\timages\n1\t  damaged\n1\t  unlabeled\n2\t  in_progress\n1\t  done\n"
        "5\tboxes\n4\t  car\n0\t  cat\n1\t  dog\n",
        "",
    )


def test_a_whole_project_passes_the_check(run: Run, project: Project) -> None:
    labelled(project)
    project.put("uploads/c.png", png(32, 32))
    before = project.objects()
    assert run("check") == Done(0, "3 images checked, 0 with a problem\n", "")
    assert project.objects() == before


def test_what_is_missing_or_damaged_fails_the_check(run: Run, project: Project) -> None:
    labelled(project)
    project.remove("uploads/b.png")
    project.put("annotations/broken.json", b"{")
    done = run("check")
    assert (done.code, done.out) == (1, "3 images checked, 2 with a problem\n")
    first, second = done.err.splitlines()
    assert "b.png: The original is not there" in first
    assert "annotations/broken.json is damaged" in second


def test_originals_that_are_not_kept_are_not_missed(run: Run, project: Project) -> None:
    labelled(project)
    project.remove("uploads/b.png")
    assert run("check", UPLOADS="off").code == 0


def test_a_damaged_label_set_fails_the_check(run: Run, project: Project) -> None:
    project.put("labels.json", b"{")
    done = run("check")
    assert done.code == 1
    assert "labels.json is damaged" in done.err


# --- export -------------------------------------------------------------------------------


def test_an_export_is_written_where_exports_are(run: Run, project: Project) -> None:
    labelled(project)
    done = run("export", "coco")
    assert done.code == 0
    key = done.out.strip()
    coco = json.loads(project.objects()[key][0])
    assert (len(coco["images"]), len(coco["annotations"])) == (2, 3)
    assert "2 images, 3 boxes." in done.err


def test_an_export_goes_to_a_file_or_to_stdout(tmp_path: Path, project: Project) -> None:
    labelled(project)
    path = tmp_path / "out" / "coco.json"
    path.parent.mkdir()
    path.write_text("before")
    environ = os.environ | {"LABELER_STORAGE": project.place}
    outputs = []
    for output in (str(path), "-", "/dev/stdout", "/dev/null"):
        done = subprocess.run(
            [*PROGRAM, "export", "coco", "--output", output],
            cwd=ROOT, env=environ, capture_output=True, check=True,
        )  # fmt: skip
        outputs.append(done.stdout)
    assert outputs == [b"", path.read_bytes(), path.read_bytes(), b""]
    assert [one.name for one in path.parent.iterdir()] == ["coco.json"]
    assert Path("/dev/null").is_char_device()
    assert not [key for key in project.objects() if key.startswith("exports/")]


def test_an_export_that_fails_leaves_the_file_as_it_was(
    run: Run, project: Project, tmp_path: Path
) -> None:
    labelled(project)
    project.put("labels.json", b"{")
    path = tmp_path / "coco.json"
    path.write_text("before")
    done = run("export", "coco", "--output", path)
    assert done.code == 1
    assert "labels.json is damaged" in done.err
    assert path.read_text() == "before"
    assert not list(tmp_path.glob(".coco*"))


def test_a_file_that_can_not_be_written_is_told(run: Run, tmp_path: Path) -> None:
    done = run("export", "coco", "--output", tmp_path / "missing" / "coco.json")
    assert done.code == 1
    assert "No such file or directory" in done.err


# --- how it ends --------------------------------------------------------------------------


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


def test_a_wrong_setting_is_told_in_a_line(run: Run) -> None:
    done = run("list", IMAGE_ID="sequence")
    assert (done.code, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert "LABELER_IMAGE_ID='sequence'" in done.err


def test_a_setting_that_nobody_knows_is_told(run: Run) -> None:
    done = run("list", STORAGES="x")
    assert done.code == 0
    assert "LABELER_STORAGES" in done.err
    assert "LABELER_STORAGE?" in done.err


def test_a_bucket_that_is_not_there_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert len(names) == 3 + 3 + 2
    assert all(name.startswith("one/") for name in names)


def start(*arguments: str, storage: str, **more: str) -> subprocess.Popen[bytes]:
    environ = os.environ | {"LABELER_STORAGE": storage, "PYTHONUNBUFFERED": ""} | more
    return subprocess.Popen(
        [*PROGRAM, *arguments], cwd=ROOT, env=environ,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_reader_who_goes_away_ends_it_quietly(project: Project) -> None:
    store = open_store(project.settings.storage)
    for number in range(300):
        name = f"{number:0200}.png"
        project.put(document_key(f"n{number}"), old_document(name))
    store.close()
    process = start("list", storage=project.place)
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


def test_a_full_disk_is_told(project: Project) -> None:
    image_id, _ = labelled(project)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, "show", image_id],
            cwd=ROOT, env=os.environ | {"LABELER_STORAGE": project.place},
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "labeler: the output can't be written: No space left on device.\n"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_what_it_prints_is_utf8_wherever_it_runs(project: Project, encoding: str) -> None:
    project.put(document_key("x"), old_document("猫é.png"))
    environ = os.environ | {"LABELER_STORAGE": project.place, "PYTHONIOENCODING": encoding}
    for arguments in (["list"], ["list", "--json"], ["show", "x"]):
        done = subprocess.run(
            [*PROGRAM, *arguments], cwd=ROOT, env=environ, capture_output=True, check=True
        )
        assert "猫é.png" in done.stdout.decode("utf-8")


def test_a_file_name_that_is_no_utf8_is_told(tmp_path: Path) -> None:
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


# --- what it loads ------------------------------------------------------------------------


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


# --- real photos --------------------------------------------------------------------------


@pytest.mark.skipif(not REAL.exists(), reason="no real photos beside the repository")
def test_real_photos_are_added_listed_and_checked(run: Run) -> None:
    count = len(real_photos("exif_orientation"))
    done = run("add", REAL / "exif_orientation")
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == count
    assert len(run("list", "--status", "unlabeled").out.splitlines()) == count
    assert run("check").out == f"{count} images checked, 0 with a problem\n"
