"""The merge in the browser gives what the merge in the server gives, on the same cases."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from labeler.model.document import AnnotationDocument, dump_document, parse_document, with_ids
from labeler.model.document_change import changed_document
from labeler.model.merge import Choice, RectConflict, merge, resolve, with_landed
from tests.strategies import UNKNOWN, documents, edited

HERE = Path(__file__).parent
DENO = Path(sysconfig.get_path("scripts")) / "deno"
Case = dict[str, Any]
WORKED: list[Case] = json.loads((HERE / "merge_cases.json").read_text(encoding="utf-8"))
CHOICES: tuple[Choice, ...] = ("ours", "theirs", "both")


def in_browser_script(cases: list[str]) -> list[Any]:
    """What the JavaScript answers to each case."""
    environ = os.environ | {"DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
    command: list[str | Path] = [DENO, "run", "--no-check", "--no-prompt", "--no-remote"]
    done = subprocess.run(
        [*command, HERE / "merge_runner.js"],
        input="\n".join(cases).encode(),
        env=environ,
        capture_output=True,
        timeout=550,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode().strip().split("\n")]


def resolved(
    document: AnnotationDocument, conflicts: Sequence[RectConflict], choice: Choice
) -> AnnotationDocument:
    """The document with the same choice for each conflict."""
    for conflict in conflicts:
        document = resolve(document, conflict, choice)
    return document


def in_server(case: str) -> Any:
    """What the Python code answers, as JSON."""
    sides = {name: model(side) for name, side in json.loads(case).items() if name in SIDES}
    base, ours, theirs = (with_ids(sides[name]) for name in SIDES)
    merged = merge(base, ours, theirs)
    landed = with_landed(base, [ours], theirs)
    chosen = [resolved(merged.document, merged.conflicts, choice) for choice in CHOICES]
    return {
        "document": plain(merged.document),
        "conflicts": [conflict_plain(conflict) for conflict in merged.conflicts],
        "landed": plain(landed),
        "again": plain(merge(landed, ours, theirs).document),
        "chosen": [plain(document) for document in chosen],
    }


SIDES = ("base", "ours", "theirs")


def model(values: Any) -> AnnotationDocument:
    return AnnotationDocument.model_validate(values)


def plain(document: AnnotationDocument) -> Any:
    return json.loads(dump_document(document))


def conflict_plain(conflict: RectConflict) -> Any:
    rects = {
        name: rect.model_dump(mode="json", exclude_unset=True) if rect else None
        for name, rect in (
            ("base", conflict.base),
            ("ours", conflict.ours),
            ("theirs", conflict.theirs),
        )
    }
    return {"id": conflict.id, "kind": conflict.kind, **rects, "kept_as": conflict.kept_as}


def text(base: AnnotationDocument, ours: AnnotationDocument, theirs: AnnotationDocument) -> str:
    sides = zip(SIDES, (base, ours, theirs), strict=True)
    parts = (f'"{name}":{dump_document(side).decode()}' for name, side in sides)
    return "{" + ",".join(parts) + "}"


def drawn_cases(count: int) -> list[str]:
    """Cases that hypothesis draws, always the same ones."""
    cases: list[str] = []

    @seed(20)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        base = data.draw(documents(unknown=UNKNOWN))
        ours = data.draw(edited(base, new_ids=("n0", "n1", "n2")))
        theirs = data.draw(edited(base, new_ids=("n0", "n1", "n3")))
        cases.append(text(base, ours, theirs))

    draw()
    return cases


def seeded_cases(count: int) -> list[str]:
    """Larger documents than hypothesis likes to draw, with many edits on both sides."""
    return [_seeded_case(random.Random(number)) for number in range(count)]


def _seeded_case(chance: random.Random) -> str:
    base = [_rect(chance, f"r{number}") for number in range(chance.randrange(0, 30))]
    sides = [_edited(chance, base, chance.choice(["a", "b", "c"])) for _ in range(2)]
    statuses = ["unlabeled", "in_progress", "done", "skipped", "approved", "returned", None]
    made = [
        {
            "rects": rects,
            "image_path": "a.jpg",
            "image_width": 4000,
            "image_height": 3000,
            "metadata": {"status": chance.choice(statuses), "saved_at": str(number)},
        }
        for number, rects in enumerate([base, *sides])
    ]
    if chance.randrange(2):
        for number, document in enumerate(made):
            document["comments"] = _comments(chance, str(number))
    return json.dumps(dict(zip(SIDES, made, strict=True)))


def _comments(chance: random.Random, own: str) -> Any:
    """Some comments that all sides have, changed or not, some of their own; or something else."""
    if chance.randrange(12) == 0:
        return chance.choice(["text", {"c0": 1}, [{"id": "c0"}, {"id": "c0"}], [1], None])
    comments: list[Case] = []
    for number in range(4):
        comment: Case = {"id": f"c{number}", "text": "wheel is cut off", "by": "rob", "x": 1.5}
        what = chance.randrange(6)
        if what == 1:
            comment["text"] = f"é {own}"
        if what in (1, 2):
            comment["resolved"] = True
        if what:
            comments.append(comment)
    for number in range(chance.randrange(3)):
        comments.insert(chance.randint(0, len(comments)), {"id": f"{own}{number}", "text": own})
    if chance.randrange(6) == 0:
        chance.shuffle(comments)
    return comments


def _rect(chance: random.Random, rect_id: str) -> Case:
    digits = chance.choice([0, 1, 2, 7])
    place = {
        name: round(chance.uniform(0, 10 ** chance.randrange(-6, 4)), digits)
        for name in ("left", "top", "width", "height")
    }
    more: Case = chance.choice([{}, {"occluded": True}, {"x_score": chance.random()}, {"x": None}])
    return place | {"label": chance.choice(["cat", "猫", "👩‍🚒", "é"]), "id": rect_id} | more


def _edited(chance: random.Random, base: list[Case], prefix: str) -> list[Case]:
    rects: list[Case] = []
    for rect in base:
        what = chance.randrange(8)
        if what == 0:
            continue
        moved = {"left": float(chance.randrange(3))} if what in (1, 2) else {}
        renamed = {"label": chance.choice(["cat", "dog"])} if what in (2, 3) else {}
        rects.append(rect | moved | renamed)
    for number in range(chance.randrange(4)):
        rects.insert(chance.randint(0, len(rects)), _rect(chance, f"{prefix}{number}"))
    if chance.randrange(5) == 0:
        chance.shuffle(rects)
    return rects


def check(cases: list[str]) -> int:
    """Compare both on each case; the number of cases in which the browser would send a change."""
    changes = 0
    for case, found in zip(cases, in_browser_script(cases), strict=True):
        change = found.pop("change")
        assert found == in_server(case), case
        if change is None:
            continue
        changes += 1
        base, ours = (with_ids(model(json.loads(case)[name])) for name in ("base", "ours"))
        assert json.loads(changed_document(base, change.encode())) == plain(ours), case
    return changes


def test_both_merges_agree_on_drawn_cases() -> None:
    cases = drawn_cases(500)
    assert len(cases) > 300
    assert sum("deleted" in str(in_server(case)["conflicts"]) for case in cases) > 20
    assert check(cases) > len(cases) // 4


def test_both_merges_agree_on_large_documents() -> None:
    assert check(seeded_cases(2500)) > 250


@pytest.mark.parametrize("case", WORKED, ids=lambda case: case["what"])
def test_the_server_merges_a_worked_case_as_written_down(case: Case) -> None:
    answer = in_server(json.dumps({name: case[name] for name in SIDES}))
    assert answer["document"] == case["document"]
    assert [[c["id"], c["kind"], bool(c["kept_as"])] for c in answer["conflicts"]] == (
        case["conflicts"]
    )


def test_documents_of_which_rects_lack_ids_get_the_same_ones() -> None:
    rects = [
        {"left": 1, "top": 2.5, "width": 1e-07, "height": 3e20, "label": "a"},
        {"left": 1, "top": 2.5, "width": 1e-07, "height": 3e20, "label": "a", "id": "x"},
        {"left": 0.1, "top": 123456.78, "width": 0.00012, "height": 0, "label": "é👩‍🚒", "id": "x"},
    ]
    stored = json.dumps({"rects": rects, "image_path": "a.jpg"}).encode()
    case = text(*[parse_document(b'{"rects": [], "image_path": "a.jpg"}', "k")] * 3)
    raw = json.loads(case) | {"theirs": json.loads(stored)}
    check([json.dumps(raw)])
