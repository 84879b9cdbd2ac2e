"""GET /api/statistics: counts by label, person, day and status."""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import Any

import pytest

from labeler.project import statistics
from labeler.project.box_facts import BoxFacts
from tests.api.conftest import Open
from tests.api.support import Api, rect, refused
from tests.api.test_reviews import LISTS, as_person, review
from tests.gcs_server import GcsServer
from tests.projects import Workspace, old_document


def count(api: Api, by: str = "") -> dict[str, Any]:
    answer = api.client.get("/api/statistics", params={"by": by} if by else {})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows(api: Api, by: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in count(api, by)["counts"]]


@pytest.fixture
def team(open_api: Open) -> Api:
    """Four images: two of lea's, one of them sent back, one of ana's, one that nobody did."""
    api = as_person(open_api(None, None, LABELER_LABELS="car,dog", **LISTS), "lea")
    first = api.image("a.png")
    api.save(first, rect(label="car"), rect(5, label="car"), rect(label="dog"), status="done")
    second = api.image("b.png")
    api.save(second, rect(label="car"), status="done")
    api.image("new.png")
    review(as_person(api, "rob"), second, "return")
    third = as_person(api, "ana").image("c.png")
    api.save(third, status="done")
    return api


def team_day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + seconds))


def test_all_is_counted(team: Api) -> None:
    assert count(team) == {
        "images": 4, "rects": 4, "by": [], "counts": [{"images": 4, "rects": 4}], "uncounted": 0,
    }  # fmt: skip


def test_by_one_of_them(team: Api) -> None:
    assert rows(team, "label") == [("car", 2, 3), ("dog", 1, 1)]
    assert rows(team, "status") == [("done", 2, 3), ("returned", 1, 1), ("unlabeled", 1, 0)]
    # A review leaves who labeled the image, and nobody has worked on the new one.
    assert rows(team, "person") == [
        (None, 1, 0), ("ana@example.com", 1, 0), ("lea@example.com", 2, 4),
    ]  # fmt: skip
    (nobody, *days) = rows(team, "day")
    assert nobody == (None, 1, 0)
    # The tests may run at midnight.
    assert sum(images for _, images, _ in days) == 3
    assert {day for day, _, _ in days} <= {team_day(-60), team_day(60)}


def test_a_reviewers_correction_is_not_the_reviewers_work(api: Api) -> None:
    now = time.time()
    image_id = api.image()
    api.save(image_id, rect(), status="done")
    path = api.document_path(image_id)
    document = json.loads(path.read_bytes())
    document["metadata"] |= {"saved_by": "lea@example.com", "saved_at": "2026-05-03T09:10:00+00:00"}
    path.write_text(json.dumps(document))
    api.project.image_index.expire()
    before = rows(api, "person,day")
    assert before == [("lea@example.com", "2026-05-03", 1, 1)]
    api.client.headers["Authorization"] = f"Bearer {api.token('rob@example.com', now)}"
    api.save(image_id, rect(), rect(5), status="done")
    stored = api.read(image_id)[0]["metadata"]
    assert (stored["saved_by"], stored["labeled_at"]) == (
        "rob@example.com", "2026-05-03T09:10:00+00:00",
    )  # fmt: skip
    assert rows(api, "person,day") == [("lea@example.com", "2026-05-03", 1, 2)]
    api.save(image_id, rect(), rect(5), status="approved")
    api.project.image_index.expire()
    assert rows(api, "person,day,status") == [("lea@example.com", "2026-05-03", "approved", 1, 2)]
    _, tag = api.read(image_id)
    reopen = {"verdict": "reopen"}
    api.client.post(f"/api/annotations/{image_id}/review", json=reopen, headers={"If-Match": tag})
    api.save(image_id, rect(), status="in_progress")
    assert {"labeled_by", "labeled_at"}.isdisjoint(api.read(image_id)[0]["metadata"])


def test_by_several_together(team: Api) -> None:
    assert rows(team, "person,status") == [
        (None, "unlabeled", 1, 0), ("ana@example.com", "done", 1, 0),
        ("lea@example.com", "done", 1, 3), ("lea@example.com", "returned", 1, 1),
    ]  # fmt: skip
    assert rows(team, "status,label") == [
        ("done", "car", 1, 2), ("done", "dog", 1, 1), ("returned", "car", 1, 1),
    ]  # fmt: skip
    assert count(team, "label,person,day,status")["by"] == ["label", "person", "day", "status"]


def test_labels_count_under_the_name_that_they_have_today(team: Api) -> None:
    labels = team.client.get("/api/labels")
    changed = labels.json()
    changed["labels"][0]["name"] = "vehicle"
    changed["labels"][1]["merged_into"] = 1
    put = team.client.put("/api/labels", json=changed, headers={"If-Match": labels.headers["ETag"]})
    assert put.status_code == 200, put.text
    assert rows(team, "label") == [("vehicle", 2, 4)]


def test_documents_of_other_programs_are_counted_too(api: Api) -> None:
    image_id = api.image("a.png")
    api.document_path(image_id).write_bytes(old_document("a.png"))
    broken = api.image("b.png")
    api.document_path(broken).write_bytes(b"{")
    api.project.image_index.expire()
    assert rows(api, "label") == [("car", 1, 2)]
    assert rows(api, "day") == [(None, 1, 0), ("2023-12-01", 1, 2)]


@pytest.mark.parametrize(
    ("saved_at", "day"),
    [
        ("2026-11-29T23:30:00-02:00", "2026-11-30"), ("2026-11-29T00:30:00.5+00:00", "2026-11-29"),
        ("2026-11-29T23:30:00", "2026-11-29"), ("yesterday", None),
    ],
)  # fmt: skip
def test_days_are_in_utc(api: Api, saved_at: str, day: str | None) -> None:
    image_id = api.image()
    document = json.loads(old_document("a.png"))
    document["metadata"]["saved_at"] = saved_at
    api.document_path(image_id).write_text(json.dumps(document))
    api.project.image_index.expire()
    assert rows(api, "day") == [(day, 1, 2)]


@pytest.mark.parametrize("by", ["size", "label,", "Label", "label;day"])
def test_what_can_not_be_told_apart(api: Api, by: str) -> None:
    answer = api.client.get("/api/statistics", params={"by": by})
    if by == "label,":
        assert answer.status_code == 200
    else:
        refused(answer, 400, "bad_request", "label, person, day, status")


def test_no_document_is_read_but_those_that_an_older_labeler_wrote(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with GcsServer(buckets=["labels"]) as server, closing(Workspace("gs://labels")) as workspace:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        project = workspace.open()
        for image_id in ("aa", "bb", "cc"):
            workspace.put(f"annotations/{image_id}.json", old_document("a.png"))
            opened = project.stored_document(image_id)
            project.write_document(image_id, opened.document, opened, "ana@example.com")
        elsewhere = workspace.open()
        counted = statistics.Statistics(elsewhere.image_index, elsewhere.labels)
        assert counted.count([statistics.Dimension.LABEL]).rows[0].rects == 6

        def read() -> int:
            asked = [one for one in server.requests if one.method == "GET"]
            return sum("alt=media" in one.line and "annotations" in one.line for one in asked)

        before = read()
        assert counted.count([one for one in statistics.Dimension if one != "warning"]).rects == 6
        assert read() == before
        # As if it had been written before labels were noted: read once, some in each call.
        for image_id in ("aa", "bb"):
            without_labels(project, f"annotations/{image_id}.json")
        monkeypatch.setattr(BoxFacts.read, "__defaults__", (1,))
        elsewhere.image_index.expire()
        found = [counted.count([statistics.Dimension.LABEL]) for _ in range(3)]
        assert [(one.rows[0].rects, one.uncounted) for one in found] == [(4, 1), (6, 0), (6, 0)]


def without_labels(project: Any, key: str) -> None:
    """As an older Labeler has written it."""
    from labeler.project import image_entry

    data, info = project.store.read(key)
    metadata = {name: value for name, value in info.metadata.items() if name != "labels"}
    metadata["seal"] = image_entry._seal(metadata, info.md5)
    project.store.write(key, data, replaces=info.version, metadata=metadata)
