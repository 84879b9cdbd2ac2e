"""Names in zips of programs that don't say in which encoding they are."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from labeler.datasets.formats.dataset_files import open_dataset_files
from labeler.errors import InvalidImport


def legacy_zip(path: Path, encoding: str, *names: str) -> Path:
    """A zip as a program of that code page writes it, without the flag for UTF-8."""
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(len(names)):
            archive.writestr(f"{index:04}".ljust(len(names[index].encode(encoding)), "_"), b"x")
    data = path.read_bytes()
    for index, name in enumerate(names):
        written = name.encode(encoding)
        data = data.replace(f"{index:04}".ljust(len(written), "_").encode(), written)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("utf-8", ("街道/图片一.jpg", "ünï.png")),
        ("gbk", ("街道/图片一.jpg", "标注二.xml")),
        ("cp932", ("写真/テスト一.jpg", "ラベル.xml")),
        ("cp437", ("straße/münchen.jpg", "été.png")),
        ("big5", ("圖片/街道資料.jpg", "標註.xml")),
        ("gbk", ("照片/车辆01.png",)),
        ("gbk", ("街.png",)),
        ("cp932", ("画像/自動車.png",)),
        ("cp866", ("Фото/машина.png", "ДТП 1.png")),
        ("cp850", ("Fotos/ação.png", "não/Kø.png")),
        ("cp1252", ("Straße/Käfer.png", "São/año.png")),
    ],
)
def test_names_in_the_code_page_of_a_machine(
    tmp_path: Path, encoding: str, names: tuple[str, ...]
) -> None:
    source = open_dataset_files(legacy_zip(tmp_path / "set.zip", encoding, *names))
    assert source.files() == tuple(sorted(names))
    with source.open(names[0]) as file:
        assert file.read() == b"x"
    source.close()


def test_a_name_that_leads_out_is_refused_in_any_encoding(tmp_path: Path) -> None:
    with pytest.raises(InvalidImport, match="escapes its folder"):
        open_dataset_files(legacy_zip(tmp_path / "set.zip", "gbk", "../../街道.jpg"))


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7-Zip archive"),
        (bytes(257) + b"ustar\x0000", "a tar archive"),
        (b"BZh91AY", "packed by bzip2"),
        (gzip.compress(bytes(257) + b"ustar\x0000" + bytes(9999), mtime=0), "a tar archive"),
    ],
)
def test_an_archive_that_is_no_zip_says_what_it_is(tmp_path: Path, head: bytes, kind: str) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(head + bytes(600))
    with pytest.raises(InvalidImport, match=f"is {kind}, which Labeler does not open"):
        open_dataset_files(path)
