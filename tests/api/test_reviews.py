"""POST /api/annotations/{id}/review, and that nothing else changes an approved document."""

from __future__ import annotations

import io
import itertools
import json
import time
import zipfile
from typing import Any

import httpx
import pytest

from labeler.model.review_sample import in_sample
from tests.api.conftest import Open
from tests.api.support import Api, rect, refused

LISTS = {
    "LABELER_AUTH": "oidc",
    "LABELER_ADMINS": "ana@example.com",
    "LABELER_REVIEWERS": "rob@example.com",
    "LABELER_LABELERS": "lea@example.com",
}


@pytest.fixture
def team(open_api: Open) -> Api:
    return open_api(None, None, **LISTS)


def as_person(api: Api, name: str) -> Api:
    token = api.token(f"{name}@example.com", time.time())
    api.client.headers["Authorization"] = f"Bearer {token}"
    return api


def review(api: Api, image_id: str, verdict: str, tag: str = "*", **more: Any) -> httpx.Response:
    body = {"verdict": verdict, **more}
    path = f"/api/annotations/{image_id}/review"
    return api.client.post(path, json=body, headers={"If-Match": tag})


def done_image(api: Api) -> str:
    image_id = api.image()
    api.save(image_id, rect(id="r1"), status="done")
    return image_id


def test_a_reviewer_approves_what_is_done(team: Api) -> None:
    image_id = done_image(as_person(team, "lea"))
    _, tag = team.read(image_id)
    answer = review(as_person(team, "rob"), image_id, "approve", tag)
    document, new_tag = team.read(image_id)
    assert (answer.status_code, answer.json(), answer.headers["ETag"]) == (200, document, new_tag)
    assert new_tag != tag
    metadata = document["metadata"]
    assert (metadata["status"], metadata["saved_by"]) == ("approved", "lea@example.com")
    assert metadata["review"] | {"at": ""} == {
        "by": "rob@example.com", "verdict": "approve", "at": "",
    }  # fmt: skip
    (listed,) = team.client.get("/api/images?status=approved").json()["images"]
    assert listed["saved_by"] == "lea@example.com"


def test_what_is_sent_back_is_first_in_its_labelers_queue_with_the_comment(team: Api) -> None:
    lea = as_person(team, "lea")
    lea.image("0 before.png")
    image_id = done_image(lea)
    comment = {"text": "wheel is cut off", "rect": "r1"}
    assert review(as_person(team, "rob"), image_id, "return", comment=comment).status_code == 200
    claimed = as_person(team, "lea").client.post("/api/claims").json()["image_id"]
    assert claimed == image_id
    (shown,) = team.read(claimed)[0]["comments"]
    assert (shown["text"], shown["rect"], shown["by"]) == (
        "wheel is cut off", "r1", "rob@example.com",
    )  # fmt: skip


def test_what_a_reviewer_corrects_stays_the_work_of_its_labeler(team: Api) -> None:
    image_id = done_image(as_person(team, "lea"))
    document, tag = team.read(image_id)
    document["rects"].append(rect(id="r2"))
    as_person(team, "rob").put(image_id, document, If_Match=tag)
    metadata = team.read(image_id)[0]["metadata"]
    names = [metadata[key] for key in ("status", "saved_by", "labeled_by")]
    assert names == ["done", "rob@example.com", "lea@example.com"]
    [listed] = team.client.get("/api/images?person=lea@example.com").json()["images"]
    assert listed["image_id"] == image_id
    assert team.client.get("/api/images?person=rob@example.com").json()["images"] == []
    review(team, image_id, "return", comment="look again")
    other = team.image("0 before.png")
    team.save(other, rect(), status="done")
    review(team, other, "return")
    claimed = as_person(team, "lea").client.post("/api/claims").json()["image_id"]
    assert claimed == image_id
    document, tag = team.read(image_id)
    document["metadata"]["status"] = "done"
    team.put(image_id, document, If_Match=tag)
    metadata = team.read(image_id)[0]["metadata"]
    assert metadata["saved_by"] == "lea@example.com"
    assert "labeled_by" not in metadata


def test_an_answer_to_a_returned_image_leaves_it_in_its_labelers_queue(team: Api) -> None:
    image_id = done_image(as_person(team, "lea"))
    review(as_person(team, "rob"), image_id, "return", comment="look again")
    document, tag = team.read(image_id)
    document["comments"].append({"id": "c2", "text": "the left one"})
    document["metadata"]["labeled_by"] = "eve@example.com"  # nobody says so but the server
    team.put(image_id, document, If_Match=tag)
    metadata = team.read(image_id)[0]["metadata"]
    assert (metadata["saved_by"], metadata["labeled_by"]) == ("rob@example.com", "lea@example.com")


def test_a_sample_is_the_same_for_everybody_and_larger_ones_hold_smaller_ones(api: Api) -> None:
    for number in range(40):
        api.image(f"{number}.png")

    def sampled(percent: int) -> set[str]:
        answer = api.client.get(f"/api/images?sample={percent}&limit=1000")
        return {image["image_id"] for image in answer.json()["images"]}

    samples = [sampled(percent) for percent in (10, 25, 50, 99, 100)]
    assert all(small <= large for small, large in itertools.pairwise(samples))
    assert len(samples[-1]) == 40
    assert 8 <= len(samples[2]) <= 32
    assert samples[2] == {one for one in samples[-1] if in_sample(one, 50)}
    for wrong in ("0", "101", "-1", "ten", "1e1", "٥"):
        answer = api.client.get("/api/images", params={"sample": wrong})
        refused(answer, 400, "bad_request", "percentage from 1 to 100")


def test_only_reviewers_decide(team: Api) -> None:
    image_id = done_image(as_person(team, "lea"))
    before = team.stored(image_id)
    refused(review(team, image_id, "approve"), 403, "not_permitted", "LABELER_REVIEWERS")
    document, tag = team.read(image_id)
    for status in ("approved", "returned"):
        document["metadata"]["status"] = status
        answer = team.put(image_id, document, If_Match=tag)
        refused(answer, 403, "not_permitted", "LABELER_REVIEWERS")
    assert team.stored(image_id) == before
    for name in ("rob", "ana"):
        assert review(as_person(team, name), image_id, "approve").status_code == 200
        assert review(team, image_id, "reopen").status_code == 200


def test_a_verdict_names_the_state_that_was_reviewed(api: Api) -> None:
    image_id = done_image(api)
    _, tag = api.read(image_id)
    document, _ = api.read(image_id)
    newer = api.save(image_id, rect(5, id="r1"))
    body = refused(review(api, image_id, "approve", tag), 412, "version_conflict")
    assert (body["etag"], body["document"]["rects"][0]["left"]) == (newer, 5)
    path = f"/api/annotations/{image_id}/review"
    refused(api.client.post(path, json={"verdict": "approve"}), 428, "precondition_required")
    assert document["metadata"]["status"] == "done"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_request"), (b'{"verdict": "fine"}', 400, "bad_request"),
        (b'{"verdict": "approve", "by": "boss"}', 400, "bad_request"),
        (b'{"verdict": "return", "comment": {"text": ""}}', 422, "invalid_document"),
        (b'{"verdict": "return", "comment": {"text": "a", "rect": "?"}}', 422, "invalid_document"),
    ],
)  # fmt: skip
def test_a_review_that_is_not_well_formed(api: Api, body: bytes, status: int, code: str) -> None:
    image_id = done_image(api)
    before = api.stored(image_id)
    path = f"/api/annotations/{image_id}/review"
    refused(api.client.post(path, content=body, headers={"If-Match": "*"}), status, code)
    assert api.stored(image_id) == before


def test_an_image_without_a_document_can_not_be_reviewed(api: Api) -> None:
    refused(review(api, api.drop("a.png"), "approve"), 404, "not_found")


# --- approved is read-only ------------------------------------------------------------------


def zipped(document: dict[str, Any]) -> bytes:
    """A labelme dataset with another box on the image of the document."""
    shape = {"label": "object", "points": [[1, 1], [20, 20]], "shape_type": "rectangle"}
    size = {"imageWidth": document["image_width"], "imageHeight": document["image_height"]}
    labelme = {"shapes": [shape], "imagePath": "a.png", "imageData": None, **size}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.json", json.dumps({"version": "5.0", "flags": {}, **labelme}))
    return made.getvalue()


def test_nothing_changes_an_approved_document_until_it_is_reopened(api: Api) -> None:
    image_id = done_image(api)
    assert review(api, image_id, "approve").status_code == 200
    document, tag = api.read(image_id)
    before = api.stored(image_id)
    changed = {**document, "rects": []}
    for condition in (tag, "*"):
        refused(api.put(image_id, changed, If_Match=condition), 409, "approved", "reopen")
    refused(api.put(image_id, document, If_Match=tag), 409, "approved")
    refused(review(api, image_id, "return", tag), 409, "approved")
    refused(review(api, image_id, "approve", tag, comment="well done"), 409, "approved")
    for dry_run in (1, 0):
        query = {"format": "labelme", "existing": "replace", "dry_run": dry_run}
        report = api.client.post("/api/imports", params=query, content=zipped(document)).json()
        assert report["images"]["left_out"] == 1, report
        assert "is approved" in report["problems"][0]["reason"]
    assert api.add("a.png").status_code == 200
    assert api.stored(image_id) == before
    assert review(api, image_id, "approve", tag).status_code == 200
    assert api.stored(image_id) == before
    assert review(api, image_id, "reopen", tag).json()["metadata"]["status"] == "done"
    _, tag = api.read(image_id)
    assert api.put(image_id, changed, If_Match=tag).status_code == 200


def test_an_export_can_ask_for_approved_images_only(api: Api) -> None:
    image_id = done_image(api)
    other = api.image("b.png")
    api.save(other, rect(), status="done")
    review(api, image_id, "approve")
    for status, names in (("approved", ["a.png"]), ("done", ["b.png"])):
        made = api.client.get("/api/export/coco", params={"status": status}).json()
        assert [image["file_name"] for image in made["images"]] == names


def test_comments_and_review_survive_a_labelers_save(team: Api) -> None:
    image_id = done_image(as_person(team, "lea"))
    review(as_person(team, "rob"), image_id, "return", comment="wheel")
    document, tag = as_person(team, "lea").read(image_id)
    del document["metadata"]["review"]
    document["metadata"]["status"] = "done"
    document["comments"][0]["resolved"] = True
    document["comments"].append({"id": "mine", "text": "now it is whole", "by": "boss"})
    assert team.put(image_id, document, If_Match=tag).status_code == 200
    saved, _ = team.read(image_id)
    assert saved["metadata"]["review"]["verdict"] == "return"
    assert [(one["text"], one["by"]) for one in saved["comments"]] == [
        ("wheel", "rob@example.com"), ("now it is whole", "lea@example.com"),
    ]  # fmt: skip
