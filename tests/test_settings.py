"""Settings: defaults, what each variable takes, and the one line for each wrong value."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.errors import SettingsError
from labeler.model.people import People, Roles, SavedBy, SignIn, parse_people
from labeler.settings import (
    ExifLocation,
    ImageIdStrategy,
    Location,
    Settings,
    load_settings,
    unknown_settings,
)
from tests.strategies import LABELS

KEY = "projects/P/locations/L/keyRings/R/cryptoKeys/K"


def load(**environ: str) -> Settings:
    return load_settings({f"LABELER_{name}": value for name, value in environ.items()})


def refused(**environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(**environ)
    return caught.value.message


def test_defaults() -> None:
    here = str(Path.cwd() / "data")
    assert load_settings({}) == Settings(
        storage=Location("", here),
        uploads=Location("", f"{here}/uploads"),
        image_id=ImageIdStrategy.NAME_SIZE,
        labels=("object",),
        max_upload_mb=30,
        max_pixels=100_000_000,
        max_calls_per_s=200,
        save_timeout_s=20,
        pause_after_s=900,
        lease_s=300,
        index="",
        webhook="",
        kms_key="",
        secret_key="",
        auth=SignIn.NONE,
        saved_by=SavedBy.EMAIL,
        exif_location=ExifLocation.KEEP,
        iap_audience="",
        iap_keys_url="",
        oidc_metadata_url="",
        oidc_client_id="",
        oidc_client_secret="",
        oidc_redirect_uri="",
        admins=People(),
        reviewers=People(),
        labelers=People(),
        hosts=frozenset(),
        canvas="workbench",
        on_cloud_run=False,
        port=8501,
    )
    assert load_settings({}).max_upload_bytes == 30 * 1024 * 1024


NAMES = (
    "STORAGE", "UPLOADS", "IMAGE_ID", "LABELS", "MAX_UPLOAD_MB", "MAX_PIXELS", "SAVE_TIMEOUT_S",
    "PAUSE_AFTER_S", "LEASE_S", "MAX_CALLS_PER_S",
    "KMS_KEY", "SECRET_KEY", "AUTH", "CANVAS", "SAVED_BY",
    "EXIF_LOCATION", "HOSTS",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_variable_means_its_default(name: str, text: str) -> None:
    assert load(**{name: text}) == load_settings({"PORT": text}) == load_settings({})


@pytest.mark.parametrize(
    ("text", "bucket", "path"),
    [
        ("gs://labels", "labels", ""),
        ("gs://labels/", "labels", ""),
        (" gs://labels/a/b ", "labels", "a/b"),
        ("gs://my.bucket_1-x/a b/ü/", "my.bucket_1-x", "a b/ü"),
        ("/srv/labels", "", "/srv/labels"),
        ("/srv/labels/", "", "/srv/labels"),
        ("/srv/x/../labels", "", "/srv/labels"),
        ("file:///srv/a%20b", "", "/srv/a b"),
        ("file://localhost/srv", "", "/srv"),
        ("/srv/a:b", "", "/srv/a:b"),
        ("/", "", "/"),
    ],
)
def test_places(text: str, bucket: str, path: str) -> None:
    assert load(STORAGE=text).storage == load(UPLOADS=text).uploads == Location(bucket, path)


def test_folders_are_made_absolute_from_here_and_from_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ana")
    assert load(STORAGE="gs").storage == Location("", str(tmp_path / "gs"))
    assert load(STORAGE="../x").storage == Location("", str(tmp_path.parent / "x"))
    assert load(STORAGE="~/labels").storage == Location("", "/home/ana/labels")


@pytest.mark.parametrize("name", ["STORAGE", "UPLOADS"])
@pytest.mark.parametrize(
    "text",
    [
        "gs://", "gs:///a", "gs:labels", "gs:/labels", "GS://labels", "gs://Labels", "gs://ab",
        "gs://-labels", "gs://labels//a", "gs://labels/../a", "gs://labels/./a", "gs://labels?x",
        "gs://labels/a#b", "gs://a@labels", "gs://labels:443/a", "gs://[::1]", "gs://labels/a\tb",
        "s3://labels", "https://labels", "://x", "file:srv", "file:/srv", "file://srv/labels",
        "file:///srv?x", "file:///srv/%00", "FILE:///srv", "a\x01b", "~no-such-person-here/x",
    ],
)  # fmt: skip
def test_wrong_places(name: str, text: str) -> None:
    message = refused(**{name: text})
    assert message.startswith(f"LABELER_{name}={text!r} is not allowed: ")
    assert "\n" not in message


def test_a_wrong_place_says_what_is_allowed() -> None:
    allowed = "it must be a folder, file:///folder or gs://bucket[/prefix]."
    assert refused(STORAGE="s3://b") == f"LABELER_STORAGE='s3://b' is not allowed: {allowed}"
    assert refused(STORAGE="gs:b").endswith(allowed)
    assert refused(STORAGE="file:/b").endswith("three slashes, like file:///srv/labels.")


@pytest.mark.parametrize(
    ("storage", "uploads"),
    [
        ("/srv/labels", Location("", "/srv/labels/uploads")),
        ("/", Location("", "/uploads")),
        ("gs://labels", Location("labels", "uploads")),
        ("gs://labels/a/b", Location("labels", "a/b/uploads")),
    ],
)
def test_originals_go_beside_the_annotations_by_default(storage: str, uploads: Location) -> None:
    settings = load(STORAGE=storage)
    assert settings.uploads == uploads
    assert uploads.prefix_in(settings.storage) == "uploads/"


def test_originals_elsewhere_or_not_kept() -> None:
    assert load(STORAGE="gs://labels", UPLOADS="off").uploads is None
    assert load(STORAGE="gs://labels", UPLOADS="/srv").uploads == Location("", "/srv")
    assert load(STORAGE="/srv", UPLOADS="gs://other/x").uploads == Location("other", "x")


@pytest.mark.parametrize(
    ("place", "other", "prefix"),
    [
        ("gs://labels/a/b", "gs://labels", "a/b/"),
        ("gs://labels/a/b", "gs://labels/a", "b/"),
        ("gs://labels/a", "gs://labels/a", ""),
        ("gs://labels", "gs://labels", ""),
        ("gs://labels/ab", "gs://labels/a", None),
        ("gs://labels", "gs://labels/a", None),
        ("gs://other/a", "gs://labels", None),
        ("/srv/a", "gs://labels", None),
        ("/srv/a/b", "/srv/a", "b/"),
        ("/srv/a/../b", "/srv/a", None),
    ],
)
def test_a_place_within_another(place: str, other: str, prefix: str | None) -> None:
    assert load(STORAGE=place).storage.prefix_in(load(STORAGE=other).storage) == prefix


def test_a_place_is_shown_as_it_is_set() -> None:
    for text in ("gs://labels", "gs://labels/a/b", "/srv/labels"):
        assert str(load(STORAGE=text).storage) == text


@pytest.mark.parametrize("strategy", list(ImageIdStrategy))
def test_image_id(strategy: ImageIdStrategy) -> None:
    assert load(IMAGE_ID=strategy.value).image_id is strategy


@pytest.mark.parametrize("text", ["md5", "Name-Size", "name_size", "content,uuid"])
def test_wrong_image_id(text: str) -> None:
    assert refused(IMAGE_ID=text) == (
        f"LABELER_IMAGE_ID={text!r} is not allowed: it must be one of name-size, content, sha256, "
        "uuid."
    )


def test_labels() -> None:
    assert load(LABELS=" person ,car,,Person,traffic  light, 猫").labels == (
        "person", "car", "traffic light", "猫",
    )  # fmt: skip


@given(st.lists(LABELS.filter(lambda name: "," not in name), min_size=1, max_size=5))
def test_any_labels(names: list[str]) -> None:
    assert set(load(LABELS=",".join(names)).labels) <= set(names)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (",", "it must name at least one label, or be unset"),
        (" , ,", "it must name at least one label, or be unset"),
        ("car," + "x" * 101, "This label has 101 characters; at most 100 are allowed"),
        ("car,a\x01b", "A label can't hold control characters"),
        ("car,\u202eperson", "A label can't hold characters that change the direction of text"),
    ],
)
def test_wrong_labels(text: str, why: str) -> None:
    message = refused(LABELS=text)
    assert message.startswith(f"LABELER_LABELS={text.strip()!r} is not allowed: {why}")
    assert "\n" not in message
    assert not message.endswith("..")


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("LABELER_MAX_UPLOAD_MB", 1, 10_000),
        ("LABELER_MAX_PIXELS", 1, 10_000_000_000),
        ("LABELER_SAVE_TIMEOUT_S", 1, 600),
        ("LABELER_PAUSE_AFTER_S", 0, 86_400),
        ("LABELER_LEASE_S", 1, 86_400),
        ("LABELER_MAX_CALLS_PER_S", 0, 1_000_000),
        ("PORT", 1, 65_535),
    ],
)
def test_whole_numbers(name: str, least: int, most: int) -> None:
    field = name.removeprefix("LABELER_").lower()
    for number in (least, most):
        assert getattr(load_settings({name: f" {number} "}), field) == number
    wrong = (least - 1, most + 1, -5, "30.5", "1e2", "abc", "0x1F", "1_000", "٣٠", "+5", "9" * 5000)
    for text in map(str, wrong):
        with pytest.raises(SettingsError) as caught:
            load_settings({name: text})
        assert caught.value.message == (
            f"{name}={text!r} is not allowed: it must be a whole number from {least} to {most}."
        )


def test_an_encryption_key_belongs_to_a_bucket() -> None:
    assert load(STORAGE="gs://labels", KMS_KEY=KEY).kms_key == KEY
    assert "a folder is not encrypted by it" in refused(KMS_KEY=KEY)
    message = refused(STORAGE="gs://labels", KMS_KEY="my-key")
    assert message.startswith("LABELER_KMS_KEY='my-key' is not allowed: it must be a key's full")


def test_a_secret_is_never_shown() -> None:
    assert load(SECRET_KEY="x" * 16).secret_key == "x" * 16
    message = refused(SECRET_KEY="hush")
    assert "hush" not in message
    assert message.startswith("LABELER_SECRET_KEY=")
    assert "at least 16 characters" in message


def test_choices_of_this_version() -> None:
    assert load(CANVAS="workbench") == load_settings({})
    assert load(CANVAS="drawable").canvas == "drawable"
    message = refused(CANVAS="other")
    assert message.startswith("LABELER_CANVAS='other' is not allowed: ")
    assert "it must be workbench or drawable" in message


# --- signing in ---------------------------------------------------------------------------

AUDIENCE = "/projects/123/locations/europe-west1/services/labeler"
OIDC = {
    "OIDC_METADATA_URL": "https://accounts.example.com/.well-known/openid-configuration",
    "OIDC_CLIENT_ID": "labeler",
    "OIDC_CLIENT_SECRET": "hush-hush",
    "OIDC_REDIRECT_URI": "https://labels.example.com/oauth2callback",
}


def test_ways_to_sign_in() -> None:
    assert load(AUTH="none").auth is SignIn.NONE
    assert load(AUTH="iap", IAP_AUDIENCE=AUDIENCE).auth is SignIn.IAP
    assert load(AUTH="oidc").auth is load(AUTH="oidc", **OIDC).auth is SignIn.OIDC
    for text in ("IAP", "no", "google"):
        assert refused(AUTH=text) == (
            f"LABELER_AUTH={text!r} is not allowed: it must be one of none, iap, oidc."
        )


def test_iap_needs_to_know_for_whom_an_assertion_is() -> None:
    assert refused(AUTH="iap").startswith("LABELER_IAP_AUDIENCE='' is not allowed: LABELER_AUTH=")
    behind = "/projects/123/global/backendServices/456"
    for text in (AUDIENCE, behind):
        assert load(AUTH="iap", IAP_AUDIENCE=text).iap_audience == text
    for text in ("labeler", AUDIENCE[1:], f"{AUDIENCE}/", "/projects/my-project/x", f"{behind}a"):
        assert refused(AUTH="iap", IAP_AUDIENCE=text).startswith(
            f"LABELER_IAP_AUDIENCE={text!r} is not allowed: it must be /projects/NUMBER/"
        )


def test_only_tests_choose_whose_keys_count() -> None:
    url = "http://127.0.0.1:4711/keys"
    assert load(IAP_KEYS_URL=url).iap_keys_url == url
    for text in ("https://evil.example/keys", "http://127.0.0.1.evil.example:1/", "file:///keys"):
        assert "it is for tests" in refused(IAP_KEYS_URL=text)
    with pytest.raises(SettingsError, match="it is for tests"):
        load_settings({"LABELER_IAP_KEYS_URL": url, "K_SERVICE": "labeler"})


@pytest.mark.parametrize("name", OIDC)
def test_the_settings_of_a_provider_go_together(name: str) -> None:
    assert load(AUTH="oidc", **OIDC).oidc_client_secret == "hush-hush"
    message = refused(AUTH="oidc", **{**OIDC, name: ""})
    assert message.startswith(f"LABELER_{name}='' is not allowed: ")
    assert "go together" in message
    assert load(**{**OIDC, name: ""}).auth is SignIn.NONE


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("OIDC_METADATA_URL", "http://accounts.example.com/x", "https://"),
        ("OIDC_METADATA_URL", "accounts.example.com", "https://"),
        ("OIDC_METADATA_URL", "http://localhost.evil.example/x", "https://"),
        ("OIDC_REDIRECT_URI", "http://labels.example.com/oauth2callback", "https://"),
        ("OIDC_REDIRECT_URI", "https://labels.example.com/", "followed by /oauth2callback"),
    ],
)
def test_wrong_addresses_of_a_provider(name: str, text: str, why: str) -> None:
    message = refused(**{name: text})
    assert message.startswith(f"LABELER_{name}={text!r} is not allowed: ")
    assert why in message
    assert load(OIDC_REDIRECT_URI="http://localhost:8501/oauth2callback").oidc_redirect_uri


def test_people() -> None:
    settings = load(AUTH="oidc", ADMINS="ana@example.com, @admins.org", LABELERS=" Ben@x.org")
    assert settings.admins == parse_people("@admins.org,ana@example.com")
    assert settings.roles == Roles(True, settings.admins, People(), settings.labelers)
    assert not load(ADMINS="ana@example.com").roles.asked
    for name in ("ADMINS", "REVIEWERS", "LABELERS"):
        assert refused(**{name: "ana"}) == (
            f"LABELER_{name}='ana' is not allowed: 'ana' is neither an e-mail address nor "
            "@domain; commas stand between them."
        )


@pytest.mark.parametrize("name", ["K_SERVICE", "CLOUD_RUN_JOB"])
def test_cloud_run_is_recognized(name: str) -> None:
    assert load_settings({name: "labeler"}).on_cloud_run
    assert not load_settings({name: ""}).on_cloud_run


def test_names_that_no_setting_reads_are_reported_with_the_likely_right_one() -> None:
    environ = {
        "LABELER_STORGE": "x",
        "LABELER_MAX_UPLOAD": "5",
        "LABELER_XYZZY": "x",
        "LABELER_PORT": "1",
        "LABELER_ON_CLOUD_RUN": "1",
        "OTHER_STORGE": "x",
        "labeler_storage": "x",
    }
    lines = unknown_settings(environ)
    ignored = "is not a setting of Labeler and was ignored."
    assert lines[0] == f"LABELER_MAX_UPLOAD {ignored} Did you mean LABELER_MAX_UPLOAD_MB?"
    assert lines[1].startswith(f"LABELER_ON_CLOUD_RUN {ignored}")
    assert lines[2].startswith(f"LABELER_PORT {ignored}")
    assert lines[3] == f"LABELER_STORGE {ignored} Did you mean LABELER_STORAGE?"
    assert lines[4] == f"LABELER_XYZZY {ignored}"
    assert len(lines) == 5


def test_every_setting_is_known() -> None:
    assert unknown_settings({f"LABELER_{name}": "x" for name in NAMES}) == []


@pytest.mark.parametrize("name", ["ADMINS", "REVIEWERS", "LABELERS", "IAP_AUDIENCE", *OIDC])
@pytest.mark.parametrize("none", [{}, {"LABELER_AUTH": ""}, {"LABELER_AUTH": " none"}])
def test_who_may_do_what_is_said_to_have_no_effect(name: str, none: dict[str, str]) -> None:
    """Nobody shall think that a list of admins keeps others out where nobody is asked."""
    [line] = unknown_settings({f"LABELER_{name}": "ana@example.com", **none})
    assert line.startswith(f"LABELER_{name} has no effect")
    assert unknown_settings({f"LABELER_{name}": "", **none}) == []
    assert unknown_settings({f"LABELER_{name}": "x", "LABELER_AUTH": "iap"}) == []
