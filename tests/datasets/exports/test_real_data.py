"""A real dataset, labeled here and exported again: the same boxes."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from labeler.datasets.exports.exporter import open_exporter
from tests.pictures import REAL
from tests.projects import Workspace

COCO = REAL / "coco_cc60"


@pytest.mark.skipif(not COCO.exists(), reason="no real photos beside the repository")
def test_a_real_dataset_comes_out_as_it_went_in(tmp_path: Path) -> None:
    original = json.loads((COCO / "instances.json").read_text())
    labels = {one["id"]: one["name"] for one in original["categories"]}
    wanted = defaultdict(list)
    for one in original["annotations"]:
        wanted[one["image_id"]].append((labels[one["category_id"]], one["bbox"]))
    workspace = Workspace(str(tmp_path / "data"))
    workspace.open().labels.add(labels.values())
    for image in original["images"]:
        rects = [
            {"left": left, "top": top, "width": width, "height": height, "label": label}
            for label, (left, top, width, height) in wanted[image["id"]]
        ]
        document = {
            "rects": rects,
            "image_path": image["file_name"],
            "image_width": image["width"],
            "image_height": image["height"],
            "metadata": {"status": "done"},
        }
        workspace.put(f"annotations/{image['id']}.json", json.dumps(document).encode())
    with open_exporter(workspace.open()).make() as file:
        coco = json.loads(b"".join(file.chunks()))
        summary = file.summary
    workspace.close()
    assert summary.images == len(original["images"])
    names = {one["id"]: one["name"] for one in coco["categories"]}
    found = defaultdict(list)
    for one in coco["annotations"]:
        found[one["image_id"]].append((names[one["category_id"]], one["bbox"]))
    left_out = 0
    for image, exported in zip(original["images"], coco["images"], strict=True):
        assert exported["file_name"] == image["file_name"]
        assert (exported["width"], exported["height"]) == (image["width"], image["height"])
        boxes = found[exported["id"]]
        left_out += len(wanted[image["id"]]) - len(boxes)
        for label, box in boxes:
            assert any(
                label == name and box == pytest.approx(other, abs=0.011)
                for name, other in wanted[image["id"]]
            )
    told = {one.name: count for one, count in summary.warnings.items()}
    assert left_out == told.get("SMALL", 0) + told.get("TWICE", 0)
    assert summary.annotations == len(original["annotations"]) - left_out
