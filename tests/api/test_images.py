"""POST and GET /api/images, GET /api/images/{id}: taken in, listed, shown."""

from __future__ import annotations

import hashlib
import io
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from labeler.model.label_edits import merged, renamed
from tests.api.conftest import Open
from tests.api.support import Api, rect, refused
from tests.api.test_statistics import without_labels
from tests.pictures import encoded, jpeg, picture, png


def size(answer: httpx.Response) -> tuple[int, int]:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content)).size


# --- taken in -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a.png", "street scene 001.png", "café.png", "猫.png", "100%.png", "a;b=c'\"&.png"]
)
def test_an_image_is_added_once(api: Api, name: str) -> None:
    data = png(64, 48)
    image_id = hashlib.md5(f"{name}_{len(data)}".encode()).hexdigest()
    for status in (201, 200):
        answer = api.add(name, data)
        assert answer.status_code == status
        assert answer.json() == {
            "image_id": image_id, "image_path": name, "width": 64, "height": 48,
        }  # fmt: skip
        assert answer.headers["Location"] == f"/api/images/{image_id}"
        assert answer.headers["Cache-Control"] == "no-store"
    assert api.client.get(f"/api/images/{image_id}").content == data


def test_a_plain_name_need_not_be_encoded(api: Api) -> None:
    answer = api.client.post("/api/images", content=png(), headers={"X-File-Name": "a b+c.png"})
    assert answer.json()["image_path"] == "a b+c.png"


def test_a_folder_in_the_name_goes(api: Api) -> None:
    assert api.add("C:\\photos/../2024/a.png").json()["image_path"] == "a.png"


@pytest.mark.parametrize(
    "name", ["%", "a%2.png", "a%zz.png", "%ff.png", "caf\xe9.png", "%C3.png", "%ed%a0%80.png", ""]
)
def test_a_name_that_is_not_encoded_as_it_must_be(api: Api, name: str) -> None:
    answer = api.client.post(
        "/api/images", content=png(), headers={b"X-File-Name": name.encode("latin-1")}
    )
    refused(answer, 400, "bad_request", "X-File-Name", "caf%C3%A9.jpg")


def test_a_name_has_to_be_sent(api: Api) -> None:
    answer = api.client.post("/api/images", content=png())
    refused(answer, 400, "bad_request", "X-File-Name", "missing")
    assert api.client.get("/api/images").json() == {"images": [], "next": None}


def test_other_bytes_under_one_id_are_refused(api: Api) -> None:
    one = encoded(picture(), "BMP")
    other = encoded(Image.new("RGB", (64, 48), "red"), "BMP")
    assert len(one) == len(other)
    image_id = api.image("a.bmp", one)
    refused(api.add("a.bmp", other), 409, "image_conflict", "LABELER_IMAGE_ID=content")
    assert api.client.get(f"/api/images/{image_id}").content == one


@pytest.mark.parametrize("data", [b"", b"<svg></svg>", b"hello", b"%PDF-1.7", b"\0" * 100])
def test_what_is_not_an_image_is_refused(api: Api, data: bytes) -> None:
    refused(api.add("a.png", data), 415, "not_an_image", "a.png")


@pytest.mark.parametrize("kept", [30, 200])
def test_a_cut_off_image_is_refused(api: Api, kept: int) -> None:
    refused(api.add("a.jpg", jpeg(640, 480)[:kept]), 422, "damaged_image", "a.jpg")
    assert api.client.get("/api/images").json()["images"] == []


def test_too_many_pixels_are_refused(open_api: Open) -> None:
    api = open_api(LABELER_MAX_PIXELS="3071")
    refused(api.add("a.png", png(64, 48)), 413, "too_large", "LABELER_MAX_PIXELS")


def test_the_one_who_adds_it_is_noted(api: Api) -> None:
    token = api.token("ana@example.com", time.time())
    image_id = api.add(Authorization=f"Bearer {token}").json()["image_id"]
    assert api.read(image_id)[0]["metadata"]["saved_by"] == "ana@example.com"


# --- listed -------------------------------------------------------------------------------


def pages(api: Api, **params: Any) -> list[list[str]]:
    """The names on each page, from the first to the last."""
    found: list[list[str]] = []
    while True:
        answer = api.client.get("/api/images", params=params)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "private, no-cache"
        found.append([image["image_path"] for image in answer.json()["images"]])
        if answer.json()["next"] is None:
            return found
        params["after"] = answer.json()["next"]


def flat(found: list[list[str]]) -> list[str]:
    return list(chain.from_iterable(found))


def test_an_image_in_the_list(api: Api) -> None:
    image_id = api.image("a.png")
    api.drop("b.png")
    token = api.token("ana", time.time())
    document, tag = api.read(image_id)
    document |= {"rects": [rect(), rect(5)]}
    saved = api.put(image_id, document, If_Match=tag, Authorization=f"Bearer {token}").json()
    first, second = api.client.get("/api/images").json()["images"]
    assert first == {
        "image_id": image_id, "image_path": "a.png", "status": "in_progress", "rects": 2,
        "saved_at": saved["metadata"]["saved_at"], "saved_by": "ana",
        "labeled_by": "ana", "assigned_to": None, "etag": api.read(image_id)[1],
    }  # fmt: skip
    assert second | {"image_id": ""} == {
        "image_id": "", "image_path": "b.png", "status": "unlabeled", "rects": 0,
        "saved_at": None, "saved_by": None, "labeled_by": None, "assigned_to": None,
        "etag": None,
    }  # fmt: skip


def test_every_image_is_on_one_page_in_the_order_of_names(api: Api) -> None:
    names = ["b.png", "a/x.png", "ä.png", "a.png", "猫.png", "B.png", "a/y.png"]
    for name in names:
        api.drop(name)
    assert pages(api) == [sorted(names)]
    for limit in (1, 2, 3, 6, 7, 1000):
        found = pages(api, limit=limit)
        assert flat(found) == sorted(names)
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
        assert found[-1]


def test_a_page_goes_on_where_it_ended_though_images_come_and_go(open_api: Open) -> None:
    api = open_api()
    for name in ("a.png", "b.png", "c.png", "d.png"):
        api.drop(name)
    first = api.client.get("/api/images?limit=2").json()
    assert [image["image_path"] for image in first["images"]] == ["a.png", "b.png"]
    (api.folder / "uploads" / "b.png").unlink()
    api.drop("aa.png")
    assert pages(open_api(api.folder), after=first["next"]) == [["c.png", "d.png"]]


def test_images_in_a_status(api: Api) -> None:
    for name, status in (("a.png", "done"), ("b.png", "skipped"), ("c.png", "done")):
        api.save(api.image(name), status=status)
    api.drop("d.png")
    assert pages(api, status="done") == [["a.png", "c.png"]]
    assert pages(api, status="done", limit=1) == [["a.png"], ["c.png"]]
    assert pages(api, status="unlabeled") == [["d.png"]]
    assert pages(api, status="approved") == [[]]


def around(api: Api, image_id: str, **params: Any) -> dict[str, Any]:
    """The page around an image, with names in place of images."""
    answer = api.client.get("/api/images", params={"around": image_id, **params})
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page | {"images": [image["image_path"] for image in page["images"]]}


def test_images_around_one(api: Api) -> None:
    ids = [api.image(f"{name}.png") for name in "abcdefg"]
    page = around(api, ids[3], limit=4)
    assert page["images"] == ["b.png", "c.png", "d.png", "e.png", "f.png"]
    assert (page["index"], page["total"]) == (1, 7)
    assert pages(api, after=page["next"]) == [["g.png"]]
    before = api.client.get("/api/images", params={"before": page["previous"]}).json()
    assert [image["image_path"] for image in before["images"]] == ["a.png"]
    assert before["previous"] is None
    assert flat(pages(api, after=before["next"])) == [f"{name}.png" for name in "bcdefg"]
    first = around(api, ids[0], limit=1)
    assert first | {"next": ""} == {
        "images": ["a.png", "b.png"], "next": "", "previous": None, "index": 0, "total": 7,
    }  # fmt: skip
    assert around(api, ids[-1])["next"] is None


def test_the_list_is_walked_backward_to_its_start(api: Api) -> None:
    ids = [api.image(f"{name}.png") for name in "abcdefg"]
    page = around(api, ids[-1], limit=2)
    found = list(page["images"])
    while (previous := page["previous"]) is not None:
        page = api.client.get("/api/images", params={"before": previous, "limit": 2}).json()
        assert page["images"]
        found[:0] = [image["image_path"] for image in page["images"]]
    assert found == [f"{name}.png" for name in "abcdefg"]


def test_an_image_that_does_not_match_stands_among_those_that_do(api: Api) -> None:
    ids = {name: api.image(f"{name}.png") for name in ("a", "b", "c", "cat", "dog", "e")}
    for name in ("a", "cat", "e"):
        api.save(ids[name], status="done")
    page = around(api, ids["c"], status="done")
    assert page["images"] == ["a.png", "c.png", "cat.png", "e.png"]
    assert (page["index"], page["total"]) == (0, 4)
    assert around(api, ids["b"], find="C")["images"] == ["b.png", "c.png", "cat.png"]
    assert around(api, ids["cat"], find="*g.png")["images"] == ["cat.png", "dog.png"]
    assert pages(api, find="A") == [["a.png", "cat.png"]]
    assert pages(api, find="?.png", status="done", limit=1) == [["a.png"], ["e.png"]]


def test_images_around_one_with_a_label(api: Api) -> None:
    ids = {name: api.image(f"{name}.png") for name in "abcde"}
    for name, label in (("a", "car"), ("b", "cat"), ("d", "CAR"), ("e", "car")):
        api.save(ids[name], rect(label=label))
    page = around(api, ids["c"], label="car", limit=2)
    assert page["images"] == ["a.png", "c.png", "d.png"]
    assert "index" not in page
    assert pages(api, label="car", after=page["next"]) == [["e.png"]]


def test_what_is_asked_around_must_be_there_and_alone(api: Api) -> None:
    refused(api.client.get("/api/images?around=nothing"), 404, "not_found", "nothing")
    image_id = api.image("a.png")
    both = api.client.get("/api/images", params={"around": image_id, "after": "YS9i"})
    refused(both, 400, "bad_request", "Only one")
    refused(api.client.get("/api/images?before=x"), 400, "bad_request", "previous")
    refused(api.client.get(f"/api/images?find={'x' * 201}"), 400, "bad_request", "find", "200")


def test_images_with_a_label(api: Api) -> None:
    for name, label in (("a", "Person"), ("b", "car"), ("c", "PERSON"), ("d", "person")):
        api.save(api.image(f"{name}.png"), rect(), rect(3, label), status="done")
    api.drop("e.png")
    assert pages(api, label="person") == [["a.png", "c.png", "d.png"]]
    assert pages(api, label=" person ", limit=2)[0] == ["a.png", "c.png"]
    assert flat(pages(api, label="person", limit=1)) == ["a.png", "c.png", "d.png"]
    assert pages(api, label="object", limit=4) == [["a.png", "b.png", "c.png", "d.png"]]
    assert flat(pages(api, label="perso")) == []
    assert flat(pages(api, label="person", status="skipped")) == []


def test_images_with_a_renamed_and_a_merged_label(api: Api) -> None:
    for name, label in (("a", "Person"), ("b", "car"), ("c", "human"), ("d", "bus")):
        api.save(api.image(f"{name}.png"), rect(label=label), status="done")
    api.project.labels.add(["person", "bus", "car"])
    number = {label.name: label.number for label in api.project.labels.read().labels}
    api.project.labels.edit(partial(renamed, number=number["person"], name="human"))
    api.project.labels.edit(partial(merged, number=number["bus"], into=number["car"]))
    for name in ("person", "HUMAN"):
        assert flat(pages(api, label=name)) == ["a.png", "c.png"]
    for name in ("car", "bus"):
        assert flat(pages(api, label=name)) == ["b.png", "d.png"]


def test_one_call_reads_a_bounded_number_of_documents(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an older Labeler; a document that was saved since need not be read."""
    monkeypatch.setattr("labeler.project.listed_images.MAX_READ", 3)
    for number in range(7):
        label = "rare" if number in (0, 6) else "object"
        image_id = api.image(f"{number}.png")
        api.save(image_id, rect(label=label))
        without_labels(api.project, f"annotations/{image_id}.json")
    api.project.image_index.expire()
    assert pages(api, label="rare") == [["0.png"], [], ["6.png"]]
    assert pages(api, label="object", limit=2) == [
        ["1.png", "2.png"],
        ["3.png", "4.png"],
        ["5.png"],
    ]


def test_a_damaged_document_is_listed_with_its_problem(open_api: Open) -> None:
    api = open_api()
    api.document_path(api.image("a.png")).write_bytes(b"{")
    other = open_api(api.folder)
    (image,) = other.client.get("/api/images").json()["images"]
    assert "damaged" in image["problem"]
    assert other.client.get("/api/images?label=object").json()["images"] == []


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("limit=0", "limit"), ("limit=1001", "1000"), ("limit=ten", "limit"), ("limit=", "limit"),
        ("limit=9999999999999", "limit"), ("limit=%C2%B2", "limit"), ("limit=-1", "limit"),
        ("status=finished", "in_progress"), ("status=", "status"), ("after=x", "after"),
        ("after=%ff%ff", "after"), ("after=_____w==", "after"),
    ],
)  # fmt: skip
def test_a_parameter_that_makes_no_sense(api: Api, query: str, word: str) -> None:
    refused(api.client.get(f"/api/images?{query}"), 400, "bad_request", word)


def test_a_long_list_is_compressed(api: Api) -> None:
    for number in range(20):
        api.drop(f"{number}.png")
    answer = api.client.get("/api/images", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.json()["images"]) == 20


# --- shown --------------------------------------------------------------------------------


def test_an_image_is_shown_as_it_is_and_kept_for_good(api: Api) -> None:
    data = jpeg(640, 480)
    image_id = api.image("a.jpg", data)
    answer = api.client.get(f"/api/images/{image_id}", headers={"Accept-Encoding": "gzip"})
    assert answer.content == data
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("width", "shown"), [(1, 1), (100, 100), (639, 639), (640, 640), (8192, 640)]
)
def test_a_smaller_copy(api: Api, width: int, shown: int) -> None:
    image_id = api.image("a.jpg", jpeg(640, 480))
    answer = api.client.get(f"/api/images/{image_id}", params={"width": width})
    assert size(answer) == (shown, max(1, round(shown * 480 / 640)))


def test_who_has_the_image_is_answered_without_it(api: Api) -> None:
    image_id = api.image("a.jpg", jpeg(640, 480))
    path = f"/api/images/{image_id}?width=100"
    tag = api.client.get(path).headers["ETag"]
    (api.folder / "uploads" / "a.jpg").unlink()
    answer = api.client.get(path, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["ETag"] == tag
    assert "immutable" in answer.headers["Cache-Control"]


def test_another_width_is_another_image(api: Api) -> None:
    image_id = api.image("a.jpg", jpeg(640, 480))
    tag = api.client.get(f"/api/images/{image_id}").headers["ETag"]
    answer = api.client.get(f"/api/images/{image_id}?width=100", headers={"If-None-Match": tag})
    assert size(answer) == (100, 75)


def test_an_image_that_is_not_there_is_not_unchanged(api: Api) -> None:
    image_id = "0" * 32
    answer = api.client.get(
        f"/api/images/{image_id}", headers={"If-None-Match": f'"{image_id}-full"'}
    )
    refused(answer, 404, "not_found")


def test_what_another_instance_took_in_a_moment_ago_is_shown(open_api: Open) -> None:
    api = open_api()
    other = open_api(api.folder)
    assert other.client.get("/api/images").json()["images"] == []
    path = f"/api/images/{api.image('a.jpg', jpeg(640, 480))}"
    tag = api.client.get(path).headers["ETag"]
    for headers in ({}, {"If-None-Match": tag}):
        assert size(other.client.get(path, headers=headers)) == (640, 480)


def test_a_copy_is_made_once_for_all_who_ask(api: Api) -> None:
    image_id = api.image("a.jpg", jpeg(3000, 2000))
    path = f"/api/images/{image_id}?width=500"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.client.get(path), range(16)))
    assert {answer.content for answer in answers} == {answers[0].content}
    (api.folder / "uploads" / "a.jpg").unlink()
    assert api.client.get(path).content == answers[0].content
    refused(api.client.get(f"/api/images/{image_id}?width=501"), 404, "not_found")


def test_another_image_in_its_place_is_not_shown(api: Api) -> None:
    image_id = api.image("a.png", png(64, 48))
    (api.folder / "uploads" / "a.png").write_bytes(png(65, 48))
    refused(api.client.get(f"/api/images/{image_id}"), 409, "image_conflict")


def test_head_of_an_image(api: Api) -> None:
    data = jpeg(640, 480)
    image_id = api.image("a.jpg", data)
    answer = api.client.head(f"/api/images/{image_id}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(data)


@pytest.mark.parametrize(
    "image_id", ["0" * 32, "A" * 32, "x" * 200, "a.png", "..", "%2e%2e%2fa", "a%0ab", quote("猫")]
)
def test_what_is_no_image(api: Api, image_id: str) -> None:
    answer = api.client.get(httpx.URL(api.client.base_url.join("/api/images/x")).copy_with(
        raw_path=f"/api/images/{image_id}".encode()
    ))  # fmt: skip
    refused(answer, 404, "not_found")


@pytest.mark.parametrize("width", ["0", "-1", "8193", "1.5", "wide", ""])
def test_a_width_that_makes_no_sense(api: Api, width: str) -> None:
    image_id = api.image()
    answer = api.client.get(f"/api/images/{image_id}", params={"width": width})
    refused(answer, 400, "bad_request", "8192")


def test_originals_that_are_not_kept_are_shown_while_they_are_held(open_api: Open) -> None:
    api = open_api(LABELER_UPLOADS="off")
    data = jpeg(640, 480)
    image_id = api.image("a.jpg", data)
    assert api.client.get(f"/api/images/{image_id}").content == data
    other = open_api(LABELER_UPLOADS="off")
    answer = other.client.get(f"/api/images/{image_id}")
    refused(answer, 404, "not_found", "Upload the file again")


FORM = (
    b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\n" + png() + b"\r\n--X--\r\n"
)


@pytest.mark.parametrize("address", ["images", "imports?format=coco"])
def test_a_form_is_called_a_form(api: Api, address: str) -> None:
    headers = {
        "X-Labeler-Client": "me", "X-File-Name": "a.png",
        "Content-Type": "multipart/form-data; boundary=X",
    }  # fmt: skip
    answer = api.client.post(f"/api/{address}", content=FORM, headers=headers)
    refused(answer, 400, "bad_request", "multipart/form-data", "--data-binary")
    del headers["X-File-Name"]  # as a client sends that has put the name into the form
    answer = api.client.post(f"/api/{address}", content=FORM, headers=headers)
    refused(answer, 400, "bad_request", "multipart/form-data", "--data-binary")


@pytest.mark.parametrize(
    "start",
    [b"data:image/png;base64,", b"iVBORw0KGgo", b"/9j/4AAQ", b'{"image": "data:image/png;base64,'],
)
def test_an_image_written_as_text_is_called_so(api: Api, start: bytes) -> None:
    headers = {"X-Labeler-Client": "me", "X-File-Name": "a.png"}
    answer = api.client.post("/api/images", content=start + b"AAAA" * 9, headers=headers)
    refused(answer, 415, "not_an_image", "base64")
