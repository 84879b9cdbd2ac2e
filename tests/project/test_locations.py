"""Whether the store can be used is known before anybody uploads or draws."""

from __future__ import annotations

import contextlib

import pytest

from labeler.errors import NotAllowed
from labeler.project.project import open_project
from labeler.settings import load_settings
from tests.gcs_server import GcsServer


@pytest.mark.parametrize("right", ["list", "create"])
@pytest.mark.parametrize("bucket", ["labels", "originals"])
def test_a_right_that_is_missing_is_reported(
    monkeypatch: pytest.MonkeyPatch, bucket: str, right: str
) -> None:
    settings = load_settings(
        {
            "LABELER_STORAGE": "gs://labels/project",
            "LABELER_UPLOADS": "gs://originals",
            "LABELER_SECRET_KEY": "0123456789abcdef",
        }
    )
    with GcsServer(buckets=["labels", "originals"]) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        with contextlib.closing(open_project(settings)) as project:
            project.check_store()
            server.bucket(bucket).denied = {f"storage.objects.{right}"}
            with pytest.raises(NotAllowed, match=f"storage.objects.{right}"):
                project.check_store()
            server.bucket(bucket).denied = set()
            project.check_store()
        assert not server.bucket("labels").live
        assert not server.bucket("originals").live
