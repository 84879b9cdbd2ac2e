"""The workbench in the real page: what a labeler does, and what must not happen meanwhile."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewLabeler, Serve, Server
from tests.e2e.labeler import Labeler, eventually
from tests.e2e.pictures import Pictures
from tests.e2e.test_accessibility import faults

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def server(serve_to_all: Serve) -> Server:
    return serve_to_all(LABELER_LABELS="person,car,dog")


@pytest.fixture
def bench(
    server: Server, pictures: Pictures, new_labeler: NewLabeler, request: pytest.FixtureRequest
) -> Labeler:
    """The first of three images of this test's own, which follow each other in the list."""
    ids = []
    for number in range(3):
        name = f"{request.node.name}_{number}.jpg"
        headers = {"X-File-Name": name, "X-Labeler-Client": "test"}
        data = pictures.photo(name, (800, 600)).read_bytes()
        answer = httpx.post(f"{server.url}/api/images", content=data, headers=headers)
        ids.append(answer.raise_for_status().json()["image_id"])
    return new_labeler(server, f"/?image={ids[0]}", size=(1440, 900)).ready()


def test_a_box_is_drawn_moved_relabeled_undone_and_saved(bench: Labeler) -> None:
    bench.keys("2")
    bench.drag((100, 100), (300, 250))
    expect(bench.boxes).to_have_count(1)
    expect(bench.row(0)).to_have_attribute("data-label", "car")
    expect(bench.row(0)).to_have_attribute("aria-selected", "false")
    bench.click((200, 200))
    expect(bench.row(0)).to_have_attribute("aria-selected", "true")
    bench.keys("3", "ArrowRight")
    expect(bench.row(0)).to_have_attribute("data-label", "dog")
    bench.drag((200, 200), (250, 220))
    expect(bench.boxes).to_have_count(1)
    (rect,) = bench.document()["rects"]
    assert rect["label"] == "dog"
    for key, wanted in (("left", 151), ("top", 120), ("width", 200), ("height", 150)):
        assert abs(rect[key] - wanted) <= 1.5, rect
    bench.keys("Control+z", "Control+z", "Control+z", "Control+z")
    expect(bench.boxes).to_have_count(0)
    assert bench.document()["rects"] == []
    bench.keys(*["Control+Shift+z"] * 4)
    assert bench.document()["rects"] == [rect]


def test_next_and_back_follow_the_address_and_put_nothing_on_another_image(bench: Labeler) -> None:
    first = bench.image
    bench.drag((100, 100), (300, 250))
    bench.keys("d")
    expect(bench.root).not_to_have_attribute("data-image", first)
    bench.ready()
    expect(bench.boxes).to_have_count(0)
    second = bench.image
    expect(bench.page).to_have_url(f"{bench.page.url.split('?')[0]}?image={second}")
    bench.page.go_back()
    expect(bench.root).to_have_attribute("data-image", first)
    expect(bench.boxes).to_have_count(1)
    assert len(bench.document(first)["rects"]) == 1
    assert not bench.document(second).get("rects")


def test_a_click_in_the_list_leads_the_workbench(bench: Labeler) -> None:
    first = bench.image
    name = bench.heading().replace("_0.jpg", "_2.jpg")
    bench.page.get_by_role("button", name=name).first.click()
    expect(bench.root).not_to_have_attribute("data-image", first)
    bench.ready()
    bench.drag((50, 50), (150, 150))
    assert bench.document()["image_path"] == name


def test_done_is_undone_within_its_time(bench: Labeler) -> None:
    first = bench.image
    bench.keys("Enter")
    expect(bench.root).not_to_have_attribute("data-image", first)
    assert bench.document(first)["metadata"]["status"] == "done"
    bench.keys("Control+z")
    expect(bench.root).to_have_attribute("data-image", first)
    assert bench.document(first)["metadata"]["status"] == "unlabeled"


def test_zoom_reaches_an_object_of_ten_pixels(bench: Labeler) -> None:
    x, y = 400, 300
    bench.page.mouse.move(*bench.place(x, y))
    for _ in range(8):
        bench.page.mouse.wheel(0, -300)
    scale = float(bench.surface.get_attribute("data-scale") or 0)
    bench.page.wait_for_timeout(200)
    assert float(bench.surface.get_attribute("data-scale") or 0) >= max(8, scale)
    bench.drag((x, y), (x + 10, y + 12))
    (rect,) = bench.document()["rects"]
    assert [round(rect[key]) for key in ("left", "top", "width", "height")] == [x, y, 10, 12]


def test_keys_reach_neither_streamlit_nor_the_image_while_somebody_types(bench: Labeler) -> None:
    first = bench.image
    bench.keys("c", "Slash")
    expect(bench.page.get_by_role("dialog")).to_have_count(0)
    bench.keys("d", "o")
    assert bench.image == first
    bench.keys("Enter")
    expect(bench.page.locator("[data-testid=label][data-label=dog]")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert bench.image == first


def test_a_box_is_made_moved_and_deleted_by_keyboard_alone(bench: Labeler) -> None:
    bench.surface.focus()
    bench.keys("b", "Shift+ArrowRight", "Control+ArrowDown")
    expect(bench.boxes).to_have_count(1)
    before = bench.document()["rects"][0]
    bench.keys("Escape", "Tab", "ArrowLeft")
    expect(bench.row(0)).to_have_attribute("aria-selected", "true")
    moved = round(before["left"] - 1, 2)
    eventually(lambda: bench.document()["rects"][0]["left"] == moved)
    bench.keys("Delete")
    expect(bench.boxes).to_have_count(0)


def test_one_image_pixel_at_100_percent_is_the_pixel_of_the_file(bench: Labeler) -> None:
    bench.keys("Shift+F")
    expect(bench.surface).to_have_attribute("data-scale", "1")
    differing = bench.page.evaluate(
        """async ([image]) => {
          const host = [...document.querySelectorAll('*')].find((e) =>
            e.shadowRoot?.querySelector('[data-testid=workbench]'));
          const surface = host.shadowRoot.querySelector('[data-testid=surface]');
          const canvas = surface.querySelector('canvas');
          await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)));
          const blob = await (await fetch(`/api/images/${image}`)).blob();
          const bitmap = await createImageBitmap(blob);
          const other = new OffscreenCanvas(canvas.width, canvas.height);
          const [left, top] = ['left', 'top'].map((n) => Number(surface.getAttribute(`data-${n}`)));
          const to = other.getContext('2d', { alpha: false });
          to.drawImage(bitmap, left, top);
          const [x, y] = [Math.max(0, left), Math.max(0, top)];
          const width = Math.min(canvas.width, left + bitmap.width) - x;
          const height = Math.min(canvas.height, top + bitmap.height) - y;
          const one = canvas.getContext('2d').getImageData(x, y, width, height).data;
          const two = to.getImageData(x, y, width, height).data;
          return [one.length, one.filter((value, index) => value !== two[index]).length];
        }""",
        [bench.image],
    )
    assert differing[0] > 100_000
    assert differing[1] == 0


def test_nothing_of_the_other_canvas_is_loaded(bench: Labeler) -> None:
    assert bench.page.locator("iframe").count() == 0
    assert bench.page.locator("[class*='st-key-canvas_']").count() == 0


def test_an_admin_adds_the_unknown_label_of_a_box_in_the_dark(bench: Labeler) -> None:
    """Light or dark follows the system, in all of the page."""
    page = bench.page
    bench.drag((100, 100), (300, 250))
    document = bench.document()
    document["rects"][0]["label"] = "persn"
    url = f"{bench.url}/api/annotations/{bench.image}"
    tag = page.request.get(url).headers["etag"]
    changing = {"If-Match": tag, "X-Labeler-Client": "test"}
    assert page.request.put(url, data=document, headers=changing).ok
    page.emulate_media(color_scheme="dark")
    bench.open(f"/?image={bench.image}")
    bench.ready()
    expect(bench.row(0)).to_contain_text("unknown label")
    bench.row(0).click()
    page.get_by_role("button", name="Add this label to the project's labels").click()
    expect(bench.row(0)).not_to_contain_text("unknown label")
    expect(page.locator("[data-testid=label][data-label=persn]")).to_have_count(1)
    stored = page.request.get(f"{bench.url}/api/labels").json()["labels"]
    assert [label["name"] for label in stored] == ["person", "car", "dog", "persn"]
    for place in ("[data-testid=stSidebar]", ".workbench"):
        color = page.locator(place).evaluate("(one) => getComputedStyle(one).backgroundColor")
        assert max(map(int, re.findall(r"\d+", color)[:3])) < 64, (place, color)
    assert faults(page) == []
