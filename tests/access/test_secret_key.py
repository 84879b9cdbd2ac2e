"""The secret key: given, or made once for all processes of a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labeler.access.secret_key import load_secret
from labeler.errors import NotAllowed, SettingsError
from labeler.settings import Location, Settings, load_settings
from labeler.storage import open_store

GIVEN = "0123456789abcdef"


def settings(storage: object, **environ: str) -> Settings:
    named = {f"LABELER_{name}": value for name, value in environ.items() if name != "K_SERVICE"}
    on_cloud_run = {"K_SERVICE": environ["K_SERVICE"]} if "K_SERVICE" in environ else {}
    return load_settings({"LABELER_STORAGE": str(storage), **named, **on_cloud_run})


def test_the_key_that_is_set_is_the_key(tmp_path: Path) -> None:
    for storage in (tmp_path / "data", "gs://labels"):
        assert load_secret(settings(storage, SECRET_KEY=GIVEN)) == GIVEN.encode()
    assert not (tmp_path / "data").exists()


def test_a_folder_keeps_the_key_that_was_made(tmp_path: Path) -> None:
    one = settings(tmp_path / "new" / "data")
    key = load_secret(one)
    assert len(key) >= 32
    assert load_secret(one) == key
    assert load_secret(settings(tmp_path / "other")) != key


def test_the_key_is_for_its_owner_alone_and_no_object(tmp_path: Path) -> None:
    load_secret(settings(tmp_path))
    [path] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert path.stat().st_mode & 0o077 == 0
    store = open_store(Location("", str(tmp_path)))
    assert store.list().objects == ()
    store.close()


def test_processes_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    code = (
        "import os; from labeler.settings import load_settings;"
        "from labeler.access.secret_key import load_secret;"
        "import sys; sys.stdin.read();"
        "print(load_secret(load_settings(os.environ)).hex())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "LABELER_STORAGE": str(tmp_path / "data")},
        )
        for _ in range(6)
    ]  # fmt: skip
    keys = {process.communicate()[0] for process in processes}
    assert len(keys) == 1
    assert [path.name for path in (tmp_path / "data" / ".labeler").iterdir()] == ["secret.key"]


def test_a_bucket_has_a_key_for_each_process_where_nothing_hangs_on_it() -> None:
    one = settings("gs://labels")
    assert load_secret(one) != load_secret(one)


@pytest.mark.parametrize("more", [{"K_SERVICE": "labeler"}, {"IMAGE_ID": "uuid"}])
def test_a_bucket_needs_a_key_where_instances_must_agree(more: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="LABELER_SECRET_KEY"):
        load_secret(settings("gs://labels", **more))
    assert load_secret(settings("gs://labels", SECRET_KEY=GIVEN, **more)) == GIVEN.encode()


def test_a_place_that_can_not_keep_a_key_is_named(tmp_path: Path) -> None:
    """A file in the way refuses everybody, root too."""
    (tmp_path / "file").touch()
    with pytest.raises(NotAllowed, match="LABELER_STORAGE"):
        load_secret(settings(tmp_path / "file"))


def test_an_empty_key_is_not_mistaken_for_one(tmp_path: Path) -> None:
    """As a full disk or a crash may leave it: nobody signs with nothing."""
    (tmp_path / ".labeler").mkdir()
    (tmp_path / ".labeler" / "secret.key").touch()
    with pytest.raises(NotAllowed, match=r"secret\.key is damaged"):
        load_secret(settings(tmp_path))
