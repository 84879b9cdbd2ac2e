"""The workbench and its place on the page: it loads in any weather, and outlives its place."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import LOST_PART, NewLabeler, Serve
from tests.e2e.labeler import documents, eventually, near, rects
from tests.e2e.pictures import Pictures
from tests.e2e.proxy import Proxy
from tests.e2e.safety import LABELS, box, corners, fill

pytestmark = pytest.mark.e2e

SEED = 1
DROP_PAGE = """error => {
  reportError(new Error(error));
  document.getElementById("root").replaceChildren();
}"""


def test_a_view_of_the_page_takes_nothing_from_the_workbench(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    files = pictures.series(2)
    fill(server, files)
    labeler = new_labeler(server)
    labeler.at(files[0].name)
    labeler.keys("2")
    box(labeler, (20, 30))
    labeler.saved()
    labeler.followed()
    labeler.go_to("Data")
    labeler.keys("d", "s")  # nobody sees what that would do
    labeler.page.go_back()
    labeler.at(files[0].name)
    box(labeler, (80, 60))
    expect(labeler.row(1)).to_have_attribute("data-label", "dog")
    labeler.keys("Control+z", "Control+z")
    labeler.has_boxes(0)
    labeler.saved()
    assert corners(server.folder, files[0].name) == []
    found = documents(server.folder)
    assert {found[file.name]["metadata"]["status"] for file in files} == {"unlabeled"}


def test_a_box_whose_view_goes_away_while_it_is_drawn_has_its_corners(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    file = pictures.photo(size=(320, 240))
    fill(server, [file])
    labeler = new_labeler(server)
    labeler.at(file.name)
    points = [labeler.place(x, y) for x, y in ((20, 30), (40, 50), (60, 70), (80, 90))]
    mouse = labeler.page.mouse
    mouse.move(*points[0])
    mouse.down()
    mouse.move(*points[1])
    link = labeler.page.get_by_role("link", name="Labels", exact=True)
    link.evaluate("link => link.click()")
    expect(labeler.root).to_be_hidden()
    mouse.move(*points[2])
    mouse.move(*points[3])
    mouse.up()
    [rect] = eventually(lambda: rects(server.folder, file.name))
    assert near(rect, (20, 30, 60, 60), 1)
    labeler.go_to("Label")
    labeler.at(file.name)
    labeler.has_boxes(1)


def test_the_address_follows_though_the_connection_is_cut_at_that_moment(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    files = pictures.series(4)
    fill(server, files)
    with Proxy(SEED) as proxy:
        proxy.instances = [server.port]
        labeler = new_labeler(proxy)
        labeler.at(files[0].name)
        labeler.followed()
        for file in files[1:]:
            proxy.cut_websockets()
            labeler.next()
            labeler.at(file.name)
            labeler.followed()


def test_a_page_that_streamlit_drops_is_loaded_anew_at_the_open_image(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """As after this error in Streamlit's script, which takes all of the page away."""
    server = serve(LABELER_LABELS=LABELS)
    files = pictures.series(2)
    fill(server, files)
    labeler = new_labeler(server)
    labeler.at(files[0].name)
    labeler.next()
    labeler.at(files[1].name)
    box(labeler, (40, 50))
    with labeler.page.expect_navigation(url=re.compile(f"image={labeler.image}")):
        labeler.page.evaluate(DROP_PAGE, LOST_PART)
    labeler.at(files[1].name)
    labeler.has_boxes(1)
    labeler.saved()
    assert len(rects(server.folder, files[1].name)) == 1


def test_a_place_that_is_lost_leaves_the_workbench_where_it_is(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """As when a run of the page breaks off before it has come to the workbench."""
    server = serve(LABELER_LABELS=LABELS)
    file = pictures.photo(size=(320, 240))
    fill(server, [file])
    labeler = new_labeler(server)
    labeler.at(file.name)
    look = "root => JSON.stringify(root.getBoundingClientRect())"
    before = labeler.root.evaluate(look)
    start, to = labeler.place(20, 30), labeler.place(60, 70)
    labeler.page.mouse.move(*start)
    labeler.page.mouse.down()
    labeler.page.mouse.move(start[0] + 9, start[1] + 9)
    labeler.page.evaluate(LOSE_PLACE)
    assert labeler.root.evaluate(look) == before
    labeler.page.mouse.move(*to, steps=2)
    labeler.page.mouse.up()
    labeler.has_boxes(1)
    box(labeler, (100, 90))
    labeler.saved()
    assert corners(server.folder, file.name) == [(20, 30), (100, 90)]
    labeler.page.evaluate("window.placeIsBack()")
    assert labeler.root.evaluate(look) == before
    box(labeler, (150, 90))
    labeler.saved()
    assert len(corners(server.folder, file.name)) == 3


LOSE_PLACE = """async () => {
  const entry = await window.labelerModules.get("mount.js");
  const host = [...document.querySelectorAll("*")].find((one) =>
    one.shadowRoot?.querySelector("[data-testid=workbench]"));
  const parent = host.parentElement;
  const image = host.shadowRoot.querySelector("[data-testid=workbench]").dataset.image;
  const labels = ["cat", "dog"].map((name, place) => ({ name, number: place, color: "#808080" }));
  const setup = JSON.stringify({ base: "./", image, lead: "", revision: "", session: "another",
    renewal: null, person: "", token: "", labels, isAdmin: false, filters: {} });
  host.remove();
  await null;
  window.placeIsBack = () => {
    parent.append(host);
    entry.default({ parentElement: host.shadowRoot, data: { url: "", setup }, setStateValue() {} });
  };
}"""


def test_scripts_that_do_not_come_at_once_are_asked_for_again(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    file = pictures.photo(size=(320, 240))
    fill(server, [file])
    with Proxy(SEED) as proxy:
        proxy.instances = [server.port]
        proxy.refuse = {"mount.js": 1, "surface.js": 1, "workbench.css": 2}
        labeler = new_labeler(proxy)
        labeler.at(file.name)
        assert not any(proxy.refuse.values())
        box(labeler, (20, 30))
        labeler.saved()
    assert corners(server.folder, file.name) == [(20, 30)]
