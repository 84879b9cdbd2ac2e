"""By which names a server may be called, for each way it can be reached."""

from __future__ import annotations

import pytest

from labeler.access.hosts import host_names
from labeler.errors import SettingsError, WrongHost
from labeler.settings import load_settings

IAP = {"LABELER_AUTH": "iap", "LABELER_IAP_AUDIENCE": "/projects/1/locations/l/services/s"}
OWN = ("localhost", "LOCALHOST:8501", "127.0.0.1", "127.0.0.1:80", "127.1.2.3", "[::1]:8501",
       "localhost.:1")  # fmt: skip
FOREIGN = ("evil.example", "evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example",
           "", ":8501", "[", "[::2]", "0.0.0.0", "localhost@evil.example",
           "evil.example, localhost", "localhost:1.evil.example", "[::1].evil.example",
           "x" * 5000)  # fmt: skip


def accepted(header: str, listens_on: str = "127.0.0.1", **environ: str) -> bool:
    try:
        host_names(load_settings(environ), listens_on).check([header])
    except WrongHost:
        return False
    return True


@pytest.mark.parametrize("header", OWN)
def test_a_server_of_this_machine_is_called_by_its_own_names(header: str) -> None:
    assert accepted(header)
    assert accepted(header, LABELER_HOSTS="labels.example")


@pytest.mark.parametrize("header", FOREIGN)
def test_and_by_no_other_name(header: str) -> None:
    assert not accepted(header)
    assert not accepted(header, LABELER_HOSTS="labels.example")
    assert not accepted(header, "0.0.0.0", LABELER_HOSTS="labels.example")
    assert not accepted(header, LABELER_HOSTS="labels.example", **IAP)


@pytest.mark.parametrize("header", FOREIGN)
def test_a_server_that_others_reach_or_that_asks_who_they_are_has_any_name(header: str) -> None:
    assert accepted(header, "0.0.0.0")
    assert accepted(header, **IAP)


def test_the_setting_adds_names() -> None:
    for header in ("labels.example", "Labels.Example.:443", "10.0.0.7:80"):
        assert accepted(header, LABELER_HOSTS=" Labels.Example , 10.0.0.7")


def test_each_of_several_headers_counts() -> None:
    names = host_names(load_settings({}), "localhost")
    names.check(["localhost", "127.0.0.1"])
    for headers in ([], ["localhost", "evil.example"]):
        with pytest.raises(WrongHost, match="LABELER_HOSTS"):
            names.check(headers)


@pytest.mark.parametrize("text", ["https://a.example", "a.example:80", "a/b", "*", "[::1]", "a b"])
def test_what_is_no_name_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match=r"LABELER_HOSTS=.*labels\.example\.com"):
        load_settings({"LABELER_HOSTS": text})
