"""Two labelers and a reviewer, each in a browser of their own. SOAK_IMAGES makes the long form."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from labeler.access.tokens import Purpose, Signer, new_token
from labeler.model.people import Role
from tests.e2e.conftest import Serve
from tests.e2e.labeler import Labeler, documents, eventually
from tests.e2e.pictures import Pictures
from tests.e2e.provider import Provider
from tests.e2e.proxy import Proxy
from tests.e2e.safety import fill

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

IMAGES = int(os.environ.get("SOAK_IMAGES", "20"))
SECRET = "a secret that all instances share"
ROLES = {
    "LABELER_ADMINS": "ana@example.com",
    "LABELER_REVIEWERS": "rita@example.com",
    "LABELER_LABELERS": "kim@example.com,lee@example.com",
}


@dataclass
class Place:
    """A server that people sign in to, and their browsers."""

    url: str
    folder: Path
    browser: Browser
    errors: list[str] = field(default_factory=list)

    def calls(self, name: str) -> httpx.Client:
        """A program that calls in the name of that person."""
        token = Signer(SECRET.encode()).sign(
            new_token(Purpose.API, f"{name}@example.com", time.time())
        )
        headers = {"X-Labeler-Client": name, "Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def visit(self, name: str, path: str = "/") -> Labeler:
        """That person's browser, signed in."""
        page = self.browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        labeler = Labeler(page, self.url)
        page.goto(self.url + path)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name=f"{name}@example.com").click()
        return labeler.ready()


@contextmanager
def opened(serve: Serve, browser: Browser) -> Iterator[Place]:
    people: dict[str, dict[str, Any]] = {name: {} for name in ("ana", "kim", "lee", "rita")}
    with Provider(**people) as provider, Proxy(seed=1) as proxy:
        environ = {**provider.settings(proxy.url), **ROLES, "LABELER_SECRET_KEY": SECRET}
        server = serve(None, **environ, LABELER_LABELS="cat,dog")
        proxy.instances = [server.port]
        place = Place(proxy.url, server.folder, browser)
        contexts = set(browser.contexts)
        yield place
        for context in set(browser.contexts) - contexts:
            context.close()
        assert not place.errors


def label(calls: httpx.Client, image: str, number: int) -> None:
    """Have the caller put a box on the image, and say that it is done."""
    answer = calls.get(f"/api/annotations/{image}")
    document = answer.raise_for_status().json()
    rect = {
        "left": 50 + number % 100,
        "top": 60,
        "width": 80,
        "height": 40,
        "label": "cat",
        "id": "r1",
    }
    document |= {"rects": [rect], "metadata": document["metadata"] | {"status": "done"}}
    condition = {"If-Match": answer.headers["ETag"]}
    calls.put(f"/api/annotations/{image}", json=document, headers=condition).raise_for_status()


def threads(labeler: Labeler) -> Locator:
    return labeler.page.get_by_test_id("thread")


def waiting(labeler: Labeler, count: int) -> None:
    heading = labeler.page.get_by_role("heading", name=f"{count} waiting", exact=True)
    expect(heading).to_be_visible()


def metadata(place: Place, name: str) -> dict[str, Any]:
    found: dict[str, Any] = documents(place.folder)[name]["metadata"]
    return found


def share_out(place: Place, files: list[Path]) -> dict[str, list[str]]:
    """Have kim and lee claim and label all images, one after the other; who got which."""
    with place.calls("ana") as ana:
        fill(place, files, ana.headers["Authorization"].removeprefix("Bearer "))
    people = {name: place.calls(name) for name in ("kim", "lee")}
    given: dict[str, list[str]] = {name: [] for name in people}
    for number in range(len(files)):
        name = ("kim", "lee")[number % 2]
        image = people[name].post("/api/claims").raise_for_status().json()["image_id"]
        label(people[name], image, number)
        given[name].append(image)
    assert people["kim"].post("/api/claims").status_code == 204
    for calls in people.values():
        calls.close()
    assert sorted(given["kim"] + given["lee"]) == sorted(
        document["metadata"]["image_id"] for document in documents(place.folder).values()
    )
    return given


def review(place: Place, rita: Labeler, of_kim: list[str]) -> tuple[str, str]:
    """Return the first image of kim, approve the second as it is; the third is corrected before.

    The names of the image that was returned, and of the one that was corrected.
    """
    rita.page.get_by_label("Labeled by").select_option("kim@example.com")
    waiting(rita, len(of_kim))
    rita.followed()
    assert rita.image in of_kim
    returned = rita.heading()
    rita.keys("c")
    rita.click((60, 61))
    rita.page.get_by_label("Note", exact=True).fill("whiskers missing")
    rita.keys("Enter")
    expect(threads(rita)).to_have_count(1)
    rita.keys("r")  # a note says why: nobody is asked
    waiting(rita, len(of_kim) - 1)
    assert metadata(place, returned)["status"] == "returned"
    rita.ready()
    approved = rita.heading()
    rita.keys("Enter")
    waiting(rita, len(of_kim) - 2)
    assert metadata(place, approved)["status"] == "approved"
    rita.ready()
    corrected = rita.heading()
    rita.drag((10, 150), (40, 190))
    rita.has_boxes(2)
    rita.keys("Enter")
    waiting(rita, len(of_kim) - 3)
    assert metadata(place, corrected)["labeled_by"] == "kim@example.com"
    return returned, corrected


def answer_and_repair(place: Place, kim: Labeler, name: str) -> None:
    """What came back is the next image of its labeler, with the note where it belongs."""
    with place.calls("kim") as calls:
        image = calls.post("/api/claims").raise_for_status().json()["image_id"]
        assert image == metadata(place, name)["image_id"]
    kim.page.goto(f"{place.url}/?image={image}")
    kim.at(name)
    expect(kim.page.get_by_text("Returned by rita")).to_be_visible()
    expect(threads(kim)).to_contain_text("whiskers missing")
    expect(kim.page.get_by_test_id("mark")).to_have_text("1")
    threads(kim).get_by_role("button", name="Answer this note").click()
    kim.page.get_by_label("Note", exact=True).fill("there they are")
    kim.keys("Enter")
    threads(kim).get_by_role("button", name="Resolve note 1").click()
    kim.drag((200, 150), (230, 190))
    kim.keys("Enter")
    eventually(lambda: metadata(place, name)["status"] == "done")
    [note, reply] = documents(place.folder)[name]["comments"]
    assert (note["by"], reply["by"]) == ("rita@example.com", "kim@example.com")
    assert note["resolved"] is True


def try_everything(place: Place, lee: Labeler, name: str) -> None:
    """No key, no gesture and no call of anybody changes an approved image."""
    stored = document_bytes(place, name)
    image = metadata(place, name)["image_id"]
    lee.page.goto(f"{place.url}/?image={image}")
    lee.at(name)
    expect(lee.page.get_by_text("Approved by rita: this image can't be changed")).to_be_visible()
    expect(lee.page.get_by_role("button", name="Reopen this approved image")).to_be_hidden()
    expect(lee.root.get_by_role("button", name="Done", exact=True)).to_be_disabled()
    lee.drag((100, 150), (160, 200))
    lee.keys("b", "c", "r", "Control+a", "Delete", "1", "o", "Control+v", "Control+d", "Control+z")
    lee.keys("ArrowLeft", "Enter", "s")
    lee.at(name)
    lee.has_boxes(2)
    expect(lee.page.get_by_role("button", name="Delete this box")).to_have_count(2)
    lee.page.get_by_role("button", name="Delete this box").first.click()
    lee.has_boxes(2)
    lee.saved()
    for person, expected in (("lee", {403, 409}), ("rita", {403, 409}), ("ana", {409})):
        with place.calls(person) as calls:
            path = f"/api/annotations/{image}"
            tag = {"If-Match": calls.get(path).headers["ETag"]}
            document = calls.get(path).json()
            versions = calls.get(f"{path}/versions").json()["versions"]
            tries = [
                calls.put(path, json=document | {"rects": []}, headers=tag),
                calls.put(path, json=document | {"comments": []}, headers=tag),
                calls.post(
                    f"{path}/restore", json={"version": versions[-1]["version"]}, headers=tag
                ),
                calls.post(f"{path}/review", json={"verdict": "return"}, headers=tag),
                calls.delete(f"/api/images/{image}", headers=tag),
            ]
            assert {one.status_code for one in tries} <= expected, person
    assert document_bytes(place, name) == stored


def look_back(place: Place, rita: Labeler, name: str) -> None:
    """The reviewer reopens an image, and brings back what its labeler had, byte for byte."""
    image = metadata(place, name)["image_id"]
    rita.page.goto(f"{place.url}/?image={image}")
    rita.at(name)
    rita.press("Reopen this approved image")
    expect(rita.page.get_by_text("this image can't be changed")).to_be_hidden()
    rita.keys("v")
    states = rita.page.get_by_test_id("version")
    expect(states.nth(0)).to_contain_text("done")
    first = states.filter(has_text="kim").last
    expect(first).to_contain_text("+ cat 1")
    second = states.filter(has_text="+ cat 1").first
    second.locator(".shows").click()
    drawn = rita.page.get_by_test_id("difference").locator(".added")
    expect(drawn).to_have_count(1)
    rita.keys("Escape")
    expect(drawn).to_be_hidden()
    with place.calls("rita") as calls:
        version = first.get_attribute("data-version")
        then = calls.get(f"/api/annotations/{image}", params={"version": version}).content
        first.get_by_role("button", name="Restore this state").click()
        rita.has_boxes(1)
        assert calls.get(f"/api/annotations/{image}").content == then
        expect(states.nth(0)).to_contain_text("− cat 1")
        states.nth(1).get_by_role("button", name="Restore this state").click()
        rita.has_boxes(2)


def document_bytes(place: Place, name: str) -> bytes:
    path = place.folder / "annotations" / f"{metadata(place, name)['image_id']}.json"
    return path.read_bytes()


def test_what_a_reviewer_decides_reaches_its_labeler_and_an_approval_holds(
    serve: Serve, browser: Browser, pictures: Pictures
) -> None:
    with opened(serve, browser) as place:
        given = share_out(place, pictures.series(IMAGES))
        rita = place.visit("rita", "/?view=review")
        waiting(rita, IMAGES)
        kim, lee = (place.visit(name) for name in ("kim", "lee"))
        expect(kim.page.get_by_role("link", name="Review")).to_be_hidden()
        returned, corrected = review(place, rita, given["kim"])
        answer_and_repair(place, kim, returned)
        try_everything(place, lee, corrected)
        look_back(place, rita, corrected)


BEFORE = {"lee": {Role.LABELER}, "rita": {Role.LABELER, Role.REVIEWER}, "ana": set(Role)}
OPEN_IMAGE = {
    "More actions": Role.ADMIN,
    "Reopen this approved image": Role.REVIEWER,
    "Labeling guide": Role.LABELER,
}
GUIDE = {"Edit the guide": Role.ADMIN, "Close the guide": Role.LABELER}
SELECTED = {
    "Set the status of the selected images": Role.LABELER,
    "Select nothing": Role.LABELER,
    "Put the selected images into the queue of": Role.ADMIN,
    "Put the selected images into this person's queue": Role.ADMIN,
    "Take the selected images out of everybody's queue": Role.ADMIN,
    "Export only the selected images (COCO)": Role.ADMIN,
    "Move the selected images into the trash": Role.ADMIN,
}


def test_the_scripts_of_the_pages_offer_what_the_role_allows(
    serve: Serve, browser: Browser, pictures: Pictures
) -> None:
    with opened(serve, browser) as place:
        [file] = pictures.series(1)
        with place.calls("ana") as ana:
            [image] = fill(place, [file], ana.headers["Authorization"].removeprefix("Bearer "))
            label(ana, image, 0)
            tag = {"If-Match": ana.get(f"/api/annotations/{image}").headers["ETag"]}
            verdict = f"/api/annotations/{image}/review"
            ana.post(verdict, json={"verdict": "approve"}, headers=tag).raise_for_status()
        for name, roles in BEFORE.items():
            person = place.visit(name)
            page = person.page

            def offers(table: dict[str, Role], page: Page = page, roles: set[Role] = roles) -> None:
                """Exactly those of the table that the roles allow; the allowed ones come first."""
                for title, role in sorted(table.items(), key=lambda one: one[1] not in roles):
                    found = page.get_by_label(title, exact=True).first
                    expect(found).to_be_visible(visible=role in roles)

            person.at(file.name)
            expect(page.get_by_text("can't be changed until a reviewer reopens it")).to_be_visible()
            offers(OPEN_IMAGE)
            person.keys("g")
            offers(GUIDE)
            person.press("Close the guide")
            person.go_to("Gallery")
            page.get_by_test_id("gallery-image").click(modifiers=["Control"])
            offers(SELECTED)
