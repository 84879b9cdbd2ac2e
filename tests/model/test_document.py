"""Documents: format 1.0 and ours read and written without loss, everything else refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import labeler
from labeler.errors import DamagedDocument, InvalidDocument, NewerDocument
from labeler.model import document
from labeler.model.document import (
    AnnotationDocument,
    Metadata,
    Rect,
    Status,
    check_document,
    check_rects,
    derived_id,
    dump_document,
    parse_document,
    saved_time,
    with_ids,
)
from labeler.model.limits import MAX_DEPTH, MAX_RECTS
from tests.strategies import JSON, UNKNOWN, documents

KEY = "annotations/x.json"
OLD = {
    "rects": [
        {"left": 150.5, "top": 200.3, "width": 120.8, "height": 180.2, "label": "person"},
        {"left": 0, "top": 0, "width": 1, "height": 1, "label": "car"},
    ],
    "image_path": "street_scene_001.jpg",
    "image_width": 1920,
    "image_height": 1080,
    "metadata": {
        "image_path": "street_scene_001.jpg",
        "image_id": "a1b2c3d4e5f678901234567890123456",
        "saved_at": "2023-12-01T14:30:22.123456",
        "version": "1.0",
    },
}
"""A document as programs before this one wrote it: no ids, a time without offset."""


def box(**values: Any) -> dict[str, Any]:
    return {"left": 1, "top": 2, "width": 3, "height": 4, "label": "car", "id": "r"} | values


def content(*rects: dict[str, Any], **values: Any) -> dict[str, Any]:
    plain = {"image_path": "a.jpg", "image_width": 100, "image_height": 60}
    return plain | {"rects": list(rects)} | values


def parse(values: Any) -> AnnotationDocument:
    return parse_document(values if isinstance(values, bytes) else as_json(values), KEY)


def as_json(values: Any) -> bytes:
    return json.dumps(values).encode()


def without_ids(values: dict[str, Any]) -> dict[str, Any]:
    rects = [{k: v for k, v in rect.items() if k != "id"} for rect in values["rects"]]
    return values | {"rects": rects}


# --- round trip ---------------------------------------------------------------------------


def test_a_document_of_format_1_is_read_as_it_is() -> None:
    document = parse(OLD)
    first = document.rects[0]
    assert (first.left, first.top, first.width, first.height) == (150.5, 200.3, 120.8, 180.2)
    assert first.label == "person"
    assert (document.image_width, document.image_height) == (1920, 1080)
    assert document.metadata.saved_at == "2023-12-01T14:30:22.123456"
    assert document.status is Status.IN_PROGRESS
    assert without_ids(json.loads(dump_document(document))) == OLD
    assert check_document(OLD) == check_document(as_json(OLD)) == document


@pytest.mark.parametrize(
    "values",
    [
        {"rects": [], "image_path": "a.jpg"},
        {"rects": [], "image_path": "", "metadata": {}},
        {"rects": [], "image_path": "a.jpg", "image_width": None, "image_height": None},
        {"rects": [], "image_path": "a.jpg", "image_width": 5},
        {"rects": [], "image_path": "a.jpg", "metadata": {"status": None, "version": None}},
        {"rects": [box()], "image_path": "a.jpg", "metadata": {"saved_at": "yesterday"}},
    ],
)
def test_keys_that_are_missing_or_null_stay_so(values: dict[str, Any]) -> None:
    assert json.loads(dump_document(parse(values))) == values


def test_unknown_keys_survive_at_every_level() -> None:
    unknown = {"x": None, "y": [None, {"z": {"": [True, 1, 1.5, "ü\u2028\U0001f9d1"]}}]}
    values = content(box(**unknown), metadata={"saved_by": "ana", **unknown}, **unknown)
    assert json.loads(dump_document(parse(values))) == values


@given(documents(unknown=UNKNOWN))
def test_what_is_written_is_read_back(document: AnnotationDocument) -> None:
    data = dump_document(document)
    assert parse_document(data, KEY) == document
    assert check_document(data) == document
    assert dump_document(parse_document(data, KEY)) == data


@given(documents(ids=False), st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_whatever_else_json_holds_comes_back_equal(
    document: AnnotationDocument, unknown: dict[str, Any]
) -> None:
    values = unknown | json.loads(dump_document(document)) | {"metadata": {"x": unknown}}
    assert json.loads(dump_document(parse(values))) == values


def test_names_of_the_models_own_machinery_are_keys_like_others() -> None:
    machinery = {"model_config": 1, "copy": 2, "model_extra": 3, "__class__": 4, "self": 5}
    values = content(box(**machinery), metadata=machinery, **machinery)
    assert json.loads(dump_document(parse(values))) == values


def test_equal_documents_give_equal_bytes() -> None:
    assert dump_document(parse(as_json(OLD))) == dump_document(check_document(OLD))
    assert "猫".encode() in dump_document(parse(content(box(label="猫"))))


def test_nothing_is_repaired_on_reading() -> None:
    values = content(
        box(left=-5, width=1000), box(label="", id="s"), metadata={"status": "from-later"}
    )
    assert json.loads(dump_document(parse(values))) == values


def test_documents_are_immutable() -> None:
    document = parse(OLD)
    with pytest.raises(ValidationError):
        document.rects[0].left = 5
    with pytest.raises(ValidationError):
        document.metadata.status = "done"


# --- ids ----------------------------------------------------------------------------------


def test_rects_without_ids_get_the_same_ones_at_every_reading() -> None:
    ids = [rect.id for rect in parse(OLD).rects]
    assert ids == [rect.id for rect in parse(json.dumps(OLD, indent=3).encode()).rects]
    assert len(set(ids)) == 2
    assert all(len(one) == 8 and one.isalnum() and one == one.lower() for one in ids)
    assert ids[0] == "btg9k9g8"  # stored in buckets by now: another one would break merges


def test_ids_given_stay_also_beside_ones_that_are_made() -> None:
    made = parse(content(box(id=""))).rects[0].id
    ids = [one.id for one in parse(content(box(id=""), box(id=made), box(id=made))).rects]
    assert ids[1] == made
    assert len(set(ids)) == 3


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.integers(0, 2)), max_size=6))
def test_ids_are_unique_and_a_first_one_given_stays(given_ids: list[tuple[str, int]]) -> None:
    rects = [box(id=name, left=left) for name, left in given_ids]
    document = parse(content(*rects))
    ids = [rect.id for rect in document.rects]
    assert len(set(ids)) == len(ids)
    assert "" not in ids
    for name in {name for name, _ in given_ids if name}:
        assert ids.index(name) == [one for one, _ in given_ids].index(name)
    assert with_ids(document) is document
    assert [rect.left for rect in document.rects] == [left for _, left in given_ids]


def test_ids_of_equal_boxes_differ() -> None:
    same = {"left": 1, "top": 1, "width": 1, "height": 1, "label": "car"}
    assert len({rect.id for rect in parse(content(same, same, same)).rects}) == 3


def test_an_id_may_be_made_of_any_text() -> None:
    assert derived_id("\ud800") != derived_id("")


# --- what is refused ----------------------------------------------------------------------


NUMBERS: list[tuple[str, str]] = [
    ("NaN", "finite"),
    ("Infinity", "finite"),
    ("-Infinity", "finite"),
    ("1e999", "finite"),
    ("1" + "0" * 400, "finite"),
    ("1" + "0" * 5000, "out of range"),
    ('"abc"', "valid number"),
    ('"5"', "valid number"),
    ("true", "valid number"),
    ("null", "valid number"),
    ("[1]", "valid number"),
    ("1.2.3", "JSON"),
]


@pytest.mark.parametrize(("text", "why"), NUMBERS, ids=map(str, count()))
@pytest.mark.parametrize("name", ["left", "top", "width", "height"])
def test_what_is_no_coordinate(name: str, text: str, why: str) -> None:
    data = as_json(content(box(), box(**{name: "?"}))).replace(b'"?"', text.encode())
    with pytest.raises(DamagedDocument, match=why) as damaged:
        parse(data)
    with pytest.raises(InvalidDocument, match=why) as invalid:
        check_document(data)
    if "JSON" not in damaged.value.message:
        assert f"{KEY} is damaged at rects[1].{name}: " in damaged.value.message
        assert invalid.value.field == f"rects[1].{name}"
        assert invalid.value.message.startswith(f"rects[1].{name}: ")


BROKEN: list[tuple[dict[str, Any], str]] = [
    (content(box(width=-0.01)), "rects[0].width"),
    (content(box(), box(height=-1)), "rects[1].height"),
    (content(box(label=None)), "rects[0].label"),
    (content(box(label=5)), "rects[0].label"),
    (content(box(id=5)), "rects[0].id"),
    (content(box(id=None)), "rects[0].id"),
    (content({"left": 1}), "rects[0].top"),
    (content(rects=None), "rects"),
    (content(rects={}), "rects"),
    (content(rects=[5]), "rects[0]"),
    (content(*[box(id="")] * (MAX_RECTS + 1)), "rects"),
    ({"image_path": "a.jpg"}, "rects"),
    ({"rects": []}, "image_path"),
    (content(image_path=None), "image_path"),
    (content(image_width=0), "image_width"),
    (content(image_width=-5), "image_width"),
    (content(image_width=1.5), "image_width"),
    (content(image_width=True), "image_width"),
    (content(image_width="100"), "image_width"),
    (content(image_height=2**31), "image_height"),
    (content(metadata=None), "metadata"),
    (content(metadata=[]), "metadata"),
    (content(metadata={"status": 1}), "metadata.status"),
    (content(metadata={"saved_at": 1}), "metadata.saved_at"),
    (content(metadata={"version": 1.0}), "metadata.version"),
    (content(metadata={"image_id": {}}), "metadata.image_id"),
]


@pytest.mark.parametrize(("values", "field"), BROKEN, ids=map(str, count()))
def test_what_breaks_the_format_is_refused_and_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(DamagedDocument) as damaged:
        parse(values)
    assert damaged.value.message.startswith(f"{KEY} is damaged at {field}: ")
    assert damaged.value.message.endswith("restore an earlier version of it, or repair it by hand.")
    for given_as in (values, as_json(values), as_json(values).decode()):
        with pytest.raises(InvalidDocument) as invalid:
            check_document(given_as)
        assert invalid.value.field == field
        assert invalid.value.message.startswith(f"{field}: ")
        assert "\n" not in invalid.value.message
        assert "pydantic" not in invalid.value.message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"  \n",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"{",
        b"\x00" * 100,
        b"\x89PNG\r\n\x1a\n",
        b"<html></html>",
        b"{'rects': []}",
        b'{"rects": [], "image_path": "a.jpg",}',
        b'{"rects": [], "image_path": "a.jpg"} {}',
        b'{"rects": [], "image_path": "a.jpg"}\x00',
        b'\xef\xbb\xbf{"rects": [], "image_path": "a.jpg"}',
        b'{"rects": [], "image_path": "\xe9"}',
        b'{"rects": [], "image_path": "\xed\xa0\x80"}',
        b'{"rects": [], "image_path": "\\ud800"}',
        b'{"rects": [], "image_path": "a\nb"}',
        '{"rects": [], "image_path": "a.jpg"}'.encode("utf-16"),
    ],
)
def test_what_is_no_json_object_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(DamagedDocument, match=f"^{KEY} is damaged") as damaged:
        parse(data)
    assert not isinstance(damaged.value, NewerDocument)
    with pytest.raises(InvalidDocument, match=r"^The document: ") as invalid:
        check_document(data)
    assert invalid.value.field == ""


def test_a_document_that_was_cut_off_anywhere_is_refused() -> None:
    data = dump_document(parse(OLD))
    for end in range(len(data)):
        with pytest.raises(DamagedDocument):
            parse(data[:end])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"NaN", "not a finite number"),
        (b"-Infinity", "not a finite number"),
        (b'[0, {"y": 1e999}]', "not a finite number"),
        (b"[" * 150 + b"]" * 150, f"nested more than {MAX_DEPTH} levels deep"),
        (b'{"y": ' * 150 + b"1" + b"}" * 150, f"nested more than {MAX_DEPTH} levels deep"),
        (b"[" * 100_000 + b"]" * 100_000, "recursion limit"),
        (b"[" * 100_000, "recursion limit"),
        (b"1" + b"0" * 4200, "too large a number"),
    ],
    ids=map(str, count()),
)
@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        (b'{"rects": [], "image_path": "a.jpg", "x": ', b"}", "x"),
        (b'{"rects": [], "image_path": "a.jpg", "metadata": {"x": ', b"}}", "metadata.x"),
        (
            b'{"image_path": "a.jpg", "rects": '
            b'[{"left": 1, "top": 2, "width": 3, "height": 4, "label": "car", "x": ',
            b"}]}",
            "rects[0].x",
        ),
    ],
)
def test_unknown_values_that_a_save_would_damage_are_refused(
    before: bytes, after: bytes, field: str, text: bytes, why: str
) -> None:
    with pytest.raises(DamagedDocument, match=why) as damaged:
        parse(before + text + after)
    if "recursion" not in why:
        assert f" at {field}: " in damaged.value.message
    with pytest.raises(InvalidDocument, match=why):
        check_document(before + text + after)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "not a finite number"),
        ("\ud800", "half of a character"),
        ({"\udfff": 1}, "half of a character"),
        ({1: 2}, "a key that is not text"),
        ({1, 2}, "JSON has no set"),
        (b"x", "JSON has no bytes"),
        ((1, 2), "JSON has no tuple"),
        (10**5000, "too large a number"),
        (-(10**5000), "too large a number"),
        (nested(500), "levels deep"),
    ],
    ids=map(str, count()),
)
def test_plain_values_that_json_can_not_carry_are_refused(value: Any, why: str) -> None:
    for values in (content(x=value), content(metadata={"x": value}), content(box(x=value))):
        with pytest.raises(InvalidDocument, match=why):
            check_document(values)


@pytest.mark.parametrize(
    "value",
    [nested(MAX_DEPTH), 10**3900, -(10**3900), 2**64, -0.0, 1e308],
    ids=map(str, count()),
)
def test_unknown_values_up_to_the_limits_come_back(value: Any) -> None:
    document = check_document(content(box(x=value), metadata={"x": value}, x=value))
    again = json.loads(dump_document(parse_document(dump_document(document), KEY)))
    assert again["x"] == again["metadata"]["x"] == again["rects"][0]["x"] == value


def test_plain_values_of_any_other_kind_are_refused() -> None:
    for values in (None, 5, [], object(), content(box(left=10**400)), content(box(label="\ud800"))):
        with pytest.raises(InvalidDocument):
            check_document(values)


def test_of_a_key_that_stands_twice_the_last_one_counts() -> None:
    data = b'{"rects": [], "image_path": "a.jpg", "image_path": "b.jpg", "x": 1, "x": 2}'
    assert json.loads(dump_document(parse(data))) == json.loads(data)


# --- versions -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1", "1.7", "1.0.3", "0.9", "1.99999"])
def test_versions_that_are_read(version: str) -> None:
    values = content(box(), metadata={"version": version})
    assert parse(values).metadata.version == version
    assert check_document(values).metadata.version == version


@pytest.mark.parametrize("version", ["2.0", "2", "10.0", "002.1"])
@pytest.mark.parametrize("values", [content(), content(rects="of another kind"), {"metadata": {}}])
def test_newer_versions_are_refused_as_such(values: dict[str, Any], version: str) -> None:
    values = values | {"metadata": {"version": version, "x": 1}}
    with pytest.raises(NewerDocument, match=f"newer Labeler .format {version}; .*update") as error:
        parse(values)
    assert error.value.message.startswith(KEY)
    with pytest.raises(InvalidDocument):
        check_document(values)
    with pytest.raises(InvalidDocument) as invalid:
        check_document(content(metadata={"version": version}))
    assert invalid.value.field == "metadata.version"


@pytest.mark.parametrize(
    "version",
    ["", "one", "1.", ".1", "1.0\n", " 1.0", "1.0-beta", "１.0", "-1.0", "9" * 20, "v1.0"],
)
@pytest.mark.parametrize("values", [content(), content(rects="broken")])
def test_what_is_no_version_is_damage(values: dict[str, Any], version: str) -> None:
    with pytest.raises(DamagedDocument, match="is not a format version") as error:
        parse(values | {"metadata": {"version": version}})
    assert not isinstance(error.value, NewerDocument)
    with pytest.raises(InvalidDocument) as invalid:
        check_document(content(metadata={"version": version}))
    assert invalid.value.field == "metadata.version"


# --- what somebody wants to save ----------------------------------------------------------


@pytest.mark.parametrize(
    ("rect", "name"),
    [
        (box(left=-0.01), "left"),
        (box(top=-1e-9), "top"),
        (box(left=97.01), "left"),
        (box(top=56.01), "top"),
        (box(left=1e308, width=1e308), "left"),
        (box(label=" "), "label"),
        (box(label="x" * 101), "label"),
        (box(label="a\x00b"), "label"),
        (box(label="a\u202eb"), "label"),
        (box(label="a\uffff"), "label"),
    ],
)
def test_boxes_outside_and_labels_that_are_none_are_not_saved(
    rect: dict[str, Any], name: str
) -> None:
    values = content(box(), rect | {"id": "s"})
    with pytest.raises(InvalidDocument) as error:
        check_document(values)
    assert error.value.field == f"rects[1].{name}"
    assert error.value.message.startswith(f"rects[1].{name}: ")
    document = parse(values)
    assert [one.id for one in document.rects] == ["r", "s"]
    check_rects(document, document.rects[:1])
    with pytest.raises(InvalidDocument):
        check_rects(document, document.rects)


def test_where_a_box_leaves_the_image_is_said() -> None:
    with pytest.raises(InvalidDocument) as error:
        check_document(content(box(left=98.5)))
    assert error.value.message == (
        "rects[0].left: the box from 98.5 to 101.5 leaves the image, which goes from 0 to 100."
    )


def test_sums_that_miss_the_border_by_a_rounding_error_are_let_through() -> None:
    for left, width in ((97, 3), (96.999, 3.004), (0, 100), (0.1, 99.9)):
        check_document(content(box(left=left, width=width)))
    with pytest.raises(InvalidDocument):
        check_document(content(box(left=97, width=3.006)))


def test_without_a_size_only_the_origin_bounds_a_box() -> None:
    free = {"rects": [box(left=1e9)], "image_path": "a.jpg"}
    assert check_document(free).rects[0].left == 1e9
    with pytest.raises(InvalidDocument, match="leaves the image"):
        check_document(free | {"rects": [box(left=-1)]})


@pytest.mark.parametrize("status", list(Status))
def test_every_status_may_be_saved(status: Status) -> None:
    assert check_document(content(metadata={"status": status.value})).status is status


@pytest.mark.parametrize("status", ["", "Done", "finished"])
def test_an_unknown_status_may_not(status: str) -> None:
    with pytest.raises(
        InvalidDocument, match="is not one of unlabeled, in_progress, done"
    ) as error:
        check_document(content(metadata={"status": status}))
    assert error.value.field == "metadata.status"


@pytest.mark.parametrize("status", [None, "", "from-a-later-version"])
def test_without_a_known_status_the_rects_decide(status: str | None) -> None:
    metadata = {"status": status}
    assert parse(content(metadata=metadata)).status is Status.UNLABELED
    assert parse(content(box(), metadata=metadata)).status is Status.IN_PROGRESS
    assert parse(content(box())).status is Status.IN_PROGRESS
    assert parse(content()).status is Status.UNLABELED


def test_saving_gives_ids_too() -> None:
    first, second = check_document(content(box(), box())).rects
    assert first.id == "r"
    assert second.id not in ("r", "")


# --- time ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-12-01T14:30:22.123456", datetime(2023, 12, 1, 14, 30, 22, 123456, UTC)),
        ("2023-12-01T14:30:22.123456+00:00", datetime(2023, 12, 1, 14, 30, 22, 123456, UTC)),
        ("2023-12-01T14:30:22Z", datetime(2023, 12, 1, 14, 30, 22, 0, UTC)),
        ("2023-12-01T01:30:00+05:30", datetime(2023, 11, 30, 20, 0, 0, 0, UTC)),
        ("2023-12-01", datetime(2023, 12, 1, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("yesterday", None),
        ("2023-02-30T00:00:00", None),
        ("2023-12-01T14:30:22+99:99", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("1701441022", None),
    ],
)
def test_the_time_of_saving_in_utc(text: str | None, expected: datetime | None) -> None:
    found = saved_time(parse(content(metadata={"saved_at": text})))
    assert found == expected
    assert found is None or found.tzinfo is UTC


@given(st.text(max_size=40) | st.datetimes().map(datetime.isoformat))
def test_any_text_is_a_time_or_none(text: str) -> None:
    document = AnnotationDocument(
        rects=(), image_path="", metadata=Metadata.model_construct(saved_at=text)
    )
    assert saved_time(document) is None or isinstance(saved_time(document), datetime)


def test_a_rect_can_be_made_without_an_id() -> None:
    assert Rect(left=1, top=2, width=3, height=4, label="car").id == ""


def test_the_browser_has_the_same_limit_of_boxes() -> None:
    script = Path(labeler.__file__).parent / "ui/workbench/document.js"
    assert f"MAX_RECTS = {MAX_RECTS:_};" in script.read_text()


def _cause(data: bytes) -> ValidationError:
    with pytest.raises(InvalidDocument) as raised:
        check_document(data)
    assert isinstance(raised.value.__cause__, ValidationError)
    return raised.value.__cause__


def test_after_the_first_fault_no_other_is_collected() -> None:
    """Each would take a kilobyte: a body of 2 MB had taken 4 GB."""
    wrong: list[dict[str, Any]] = [{}] * 20_000
    assert _cause(json.dumps(content(*wrong)).encode()).error_count() <= 5  # the keys of one box
    numbers = {f"k{index}": float("nan") for index in range(20_000)}
    for data in (content(**numbers), content(box(**numbers)), content(metadata=numbers)):
        assert _cause(json.dumps(data).encode()).error_count() == 1


def test_ids_are_looked_up_in_sets_that_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sets: list[set[str]] = []
    make = document._content_id

    def noted(rect: Rect, index: int, *taken: set[str]) -> str:
        sets.extend(taken)
        return make(rect, index, *taken)

    monkeypatch.setattr(document, "_content_id", noted)
    plain = {name: value for name, value in box().items() if name != "id"}
    found = check_document(content(*[plain] * 50))
    assert len({rect.id for rect in found.rects}) == 50
    assert len({id(one) for one in sets}) == 2


@pytest.mark.parametrize(
    "text",
    [
        b"[]," * 3_000_000,
        b'"",' * 3_000_000,
        b"{" * 3_000_000,
        b'\\",[' * 3_000_000,
        b'"' + b"\\" * 3_000_001,
    ],
    ids=["lists", "texts", "objects", "half a text", "half an escape"],
)
def test_what_would_fill_the_memory_is_counted_and_not_parsed(
    text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []
    parse = AnnotationDocument.model_validate_json
    monkeypatch.setattr(
        AnnotationDocument,
        "model_validate_json",
        lambda data: parsed.append(data) or parse(data),  # type: ignore[func-returns-value]
    )
    with pytest.raises(InvalidDocument):
        check_document(b'{"rects": [], "theirs": [' + text)
    assert bool(parsed) is text.startswith((b'"\\', b'\\"'))
