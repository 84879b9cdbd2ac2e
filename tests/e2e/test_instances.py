"""Any instance answers any request: several behind a proxy, which end and are replaced meanwhile.

SOAK_SEED chooses another course of events and SOAK_IMAGES how many images there are: `make soak`
runs it with many seeds. Without both it is the short form that `make test` runs.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import Labeler, documents, eventually
from tests.e2e.pictures import Pictures
from tests.e2e.proxy import Proxy
from tests.e2e.weather import Weather
from tests.e2e.worker import LABELS, Worker
from tests.loss_report import report_losses

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

SEED = int(os.environ.get("SOAK_SEED", "1"))
IMAGES = int(os.environ.get("SOAK_IMAGES", "6"))

ALL_PARTS = """() => {
  performance.setResourceTimingBufferSize(2000);
  return performance.getEntriesByType("resource").some(({ initiatorType, name }) =>
    initiatorType === "fetch" && name.includes("/Toast."));
}"""
"""Whether the page has fetched ahead what it may need of Streamlit; that file is the last."""


def test_labeling_while_instances_come_and_go(
    serve_slowly: Serve, new_labeler: NewLabeler, pictures: Pictures, tmp_path: Path
) -> None:
    """Upload, label, edit, go on, export: every box is stored once, and in the export."""
    files = pictures.series(IMAGES)
    names = [file.name for file in files]
    folder = tmp_path / "data"
    with Proxy(SEED) as proxy:
        start = lambda: serve_slowly(LABELER_LABELS=",".join(LABELS))  # noqa: E731
        weather = Weather(SEED, proxy, start, 2 if IMAGES < 10 else 3)
        labeler = new_labeler(proxy)
        worker = Worker(labeler, folder, SEED, names)
        try:
            labeler.page.wait_for_load_state("networkidle")  # it has all parts of itself
            with weather:
                labeler.upload(*files)
                eventually(lambda: sorted(documents(folder)) == names, 120)
                worker.work()
            try:
                worker.check()
            finally:
                report_losses(
                    "a labeler in a browser while instances end and are replaced",
                    faults=len(weather.done), boxes=worker.count(), lost=worker.lost(),
                )  # fmt: skip
        finally:
            print(f"seed {SEED}: {', '.join(weather.done)}; in the end: {worker.view()}")
        worker.no_error()
        check_export(worker, export(labeler, folder))


def export(labeler: Labeler, folder: Path) -> dict[str, Any]:
    """The COCO file that the button makes."""
    labeler.page.locator(":root[data-connection=here]").wait_for(state="attached")
    labeler.press("Export COCO")
    found = eventually(lambda: list((folder / "exports").glob("*.json")), 60)
    labeler.page.get_by_role("link", name=found[0].name).first.wait_for()
    return dict(json.loads(found[0].read_bytes()))


def check_export(worker: Worker, coco: dict[str, Any]) -> None:
    """Every image that was not skipped is in it, with as many boxes as it has."""
    images = {image["id"]: image["file_name"].rpartition("/")[2] for image in coco["images"]}
    counts = dict.fromkeys(images.values(), 0)
    for annotation in coco["annotations"]:
        counts[images[annotation["image_id"]]] += 1
    assert counts == {
        sheet.name: len(sheet.boxes)
        for sheet in worker.sheets
        if "skipped" not in sheet.statuses and (sheet.boxes or "done" in sheet.statuses)
    }
