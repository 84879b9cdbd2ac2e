"""Images are decoded by processes that may do anything, and nobody else notices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from labeler import images
from labeler.errors import Busy, DamagedImage, ImageTooLarge, LabelerError, NotAnImage
from labeler.images import ImageInfo
from labeler.project import decoder_pool
from labeler.project.decoder_pool import DecoderPool
from labeler.project.decoder_process import DecoderProcess
from labeler.runtime.cancellation import Cancellation
from labeler.runtime.jobs import Cancelled
from tests.pictures import encoded, jpeg, oriented, picture, png, png_claiming
from tests.test_image_location import PHOTOS, SECRETS
from tests.test_image_work import WORST
from tests.waiting import settled

ROOT = Path(__file__).parents[2]
MAX_PIXELS = 10**8
PNG = png()

FAULTY = """
import os, signal, sys, time
from labeler import images
from labeler.project import decoder_worker

decoder_worker.HEADER_CPU_S = 1
real = images.inspect

def inspect(data, *, name, permit, **more):
    permit(1, 1)
    if name == "hangs":
        time.sleep(1000)
    if name == "works on and on":
        while True:
            pass
    if name == "ends":
        os._exit(7)
    if name == "breaks down":
        os.kill(os.getpid(), signal.SIGSEGV)
    if name == "eats":
        bytearray(2**33)
    if name == "fails":
        raise LookupError("what the image says")
    if name == "babbles":
        os.write(os.dup(0), b"\\xff" * 100)
    if name == "asks again and again":
        for held in range(2, 100):
            permit(held, held)
    return real(data, name=name, **more)

images.inspect = inspect
decoder_worker.main()
"""


def faulty() -> DecoderProcess:
    """A process that does what the name of the image says."""
    return DecoderProcess((sys.executable, "-c", FAULTY))


Open = Callable[..., DecoderPool]


@pytest.fixture
def open_pool() -> Iterator[Open]:
    opened: list[DecoderPool] = []

    def start(max_pixels: int = MAX_PIXELS, **more: object) -> DecoderPool:
        opened.append(DecoderPool(max_pixels, **more))  # type: ignore[arg-type]
        return opened[-1]

    yield start
    for pool in opened:
        pool.close()


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    """One for all tests that leave its processes as they are."""
    pool = DecoderPool(MAX_PIXELS)
    yield pool
    pool.close()


def inspect(pool: DecoderPool, data: bytes = PNG, name: str = "x") -> ImageInfo:
    return pool.inspect(data, name=name, max_bytes=2**28, max_pixels=MAX_PIXELS)


def is_there(process_id: int) -> bool:
    """Whether the process runs: one that has ended and is not waited for does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


# --- the same answers ---------------------------------------------------------------------

PICTURES = {
    "JPEG": jpeg(), "PNG": PNG, "WEBP": encoded(picture(), "WEBP"),
    "GIF": encoded(picture(), "GIF"), "BMP": encoded(picture(), "BMP"),
    "TIFF": oriented("TIFF", 6), "turned": oriented("PNG", 6),
    "without end": jpeg()[:-2], "progressive": encoded(picture(), "JPEG", progressive=True),
    "no image": b"%PDF-1.7 and more", "nothing": b"", "cut off": jpeg()[:200],
    "too large": png_claiming(20_000, 20_000),
}  # fmt: skip


def outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except LabelerError as error:
        return type(error), error.message


@pytest.mark.parametrize("data", PICTURES.values(), ids=PICTURES)
def test_a_process_gives_and_raises_what_this_one_would(pool: DecoderPool, data: bytes) -> None:
    direct = outcome(lambda: images.inspect(data, name="x", max_bytes=2**28, max_pixels=MAX_PIXELS))
    assert outcome(lambda: inspect(pool, data)) == direct
    for width in (None, 20):
        there, here = (
            outcome(lambda: display(data, name="x", width=width, max_pixels=MAX_PIXELS))  # noqa: B023
            for display in (pool.display, images.display)
        )
        assert there == here


@pytest.mark.parametrize("data", WORST.values(), ids=WORST)
def test_the_worst_images_are_refused_and_their_process_goes_on(
    pool: DecoderPool, data: bytes
) -> None:
    inspect(pool)
    (before,) = pool.process_ids()
    with pytest.raises(ImageTooLarge, match="too long"):
        inspect(pool, data)
    assert pool.process_ids() == [before]


def test_a_process_knows_no_secret_and_has_no_connection_of_the_server(
    open_pool: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELER_SECRET_KEY", "0123456789abcdef")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/key.json")
    pool = open_pool()
    inspect(pool)
    (process_id,) = pool.process_ids()
    environ = Path(f"/proc/{process_id}/environ").read_bytes()
    assert b"PATH=" in environ
    assert b"LABELER" not in environ
    assert b"GOOGLE" not in environ
    files = {str(path.readlink()) for path in Path(f"/proc/{process_id}/fd").iterdir()}
    assert len({name for name in files if name.startswith("socket:")}) == 1, "its own, twice"


# --- faults -------------------------------------------------------------------------------

FAULTS = {
    "ends": (DamagedImage, "does not survive"),
    "breaks down": (DamagedImage, "does not survive"),
    "fails": (DamagedImage, "does not survive"),
    "babbles": (DamagedImage, "does not survive"),
    "asks again and again": (DamagedImage, "does not survive"),
    "eats": (ImageTooLarge, "takes more memory"),
    "works on and on": (ImageTooLarge, "takes too long"),
    "hangs": (ImageTooLarge, "takes too long"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_process_that_fails_is_answered_for_and_replaced(
    open_pool: Open,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    pool = open_pool(start=faulty)
    inspect(pool)
    (first,) = pool.process_ids()
    if fault == "hangs":
        monkeypatch.setattr(decoder_pool, "_SLOW", 0.1)
    kind, words = FAULTS[fault]
    with pytest.raises(kind, match=f"^{fault} .*{words}"):
        inspect(pool, name=fault)
    assert not is_there(first)
    assert "what the image says" not in caplog.text
    monkeypatch.undo()
    assert inspect(pool).width == 64
    assert pool.process_ids() != [first]


def test_others_are_served_while_one_hangs_and_its_caller_can_end_it(open_pool: Open) -> None:
    pool = open_pool(start=faulty)
    gone = Cancellation()

    def hang() -> ImageInfo:
        with gone.set_current():
            return inspect(pool, name="hangs")

    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(hang)
        assert settled(lambda: len(pool.process_ids()) == 1)
        for _ in range(20):
            assert inspect(pool).width == 64
        assert not hanging.done()
        gone.cancel()
        assert isinstance(hanging.exception(60), Cancelled)
    (left,) = pool.process_ids()
    assert is_there(left)


def test_work_that_nobody_wants_is_not_begun(open_pool: Open) -> None:
    pool = open_pool()
    gone = Cancellation()
    gone.cancel()
    with gone.set_current(), pytest.raises(Cancelled):
        inspect(pool)
    assert pool.process_ids() == []


# --- bounds -------------------------------------------------------------------------------


def test_at_most_three_processes_run_and_who_waits_too_long_is_told_so(open_pool: Open) -> None:
    pool = open_pool(start=faulty, wait_s=0.2)
    gone = Cancellation()

    def hang() -> ImageInfo:
        with gone.set_current():
            return inspect(pool, name="hangs")

    with ThreadPoolExecutor(4) as threads:
        hanging: list[Future[ImageInfo]] = [threads.submit(hang) for _ in range(3)]
        assert settled(lambda: len(pool.process_ids()) == decoder_pool.PROCESSES == 3)
        with pytest.raises(Busy, match="Send this one again"):
            inspect(pool)
        gone.cancel()
        assert {type(one.exception(60)) for one in hanging} == {Cancelled}


def test_a_large_image_waits_for_room_without_keeping_a_process(open_pool: Open) -> None:
    large, small = png(64, 64), png(16, 16)
    pool = open_pool(max_pixels=64 * 64)
    done: list[str] = []

    def look(data: bytes, name: str) -> None:
        inspect(pool, data, name)
        done.append(name)

    with ThreadPoolExecutor(8) as threads:
        with pool._pixels.taken(64 * 64, 0):
            waiting = [threads.submit(look, large, "large") for _ in range(4)]
            for _ in range(5):
                threads.submit(look, small, "small").result(60)
            assert done == ["small"] * 5
        for one in waiting:
            one.result(60)
    assert done == ["small"] * 5 + ["large"] * 4


def test_a_jpeg_without_its_end_waits_for_all_the_room_that_its_repair_takes(
    open_pool: Open,
) -> None:
    pool = open_pool(max_pixels=640 * 480)
    data = jpeg(640, 480)[:-2]
    with ThreadPoolExecutor(1) as threads:
        with pool._pixels.taken(640 * 480, 0):
            assert inspect(pool, jpeg(640, 480)).width == 640
            waiting = threads.submit(inspect, pool, data)
            assert settled(lambda: len(pool._pixels._for_large._queue) == 1) or waiting.done()
            assert not waiting.done()
        assert waiting.result(60).width == 640


def test_idle_processes_end(open_pool: Open) -> None:
    pool = open_pool(idle_s=0.05)
    inspect(pool)
    assert settled(lambda: pool.process_ids() == [])
    assert inspect(pool).width == 64


def test_closing_ends_idle_and_busy_processes(open_pool: Open) -> None:
    pool = open_pool(start=faulty)
    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(inspect, pool, PNG, "hangs")
        assert settled(lambda: len(pool.process_ids()) == 1)
        inspect(pool)
        processes = pool.process_ids()
        assert len(processes) == 2
        pool.close()
        assert isinstance(hanging.exception(60), Busy)
    assert not any(map(is_there, processes))
    with pytest.raises(Busy):
        inspect(pool)
    pool.close()


SERVER = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from tests.project.test_decoder_pool import PNG, faulty, inspect, settled
from labeler.project.decoder_pool import DecoderPool

pool = DecoderPool(10**8, start=faulty)
threading.Thread(target=inspect, args=(pool, PNG, "works on and on"), daemon=True).start()
assert settled(lambda: len(pool.process_ids()) == 1)
inspect(pool)
print(*pool.process_ids(), flush=True)
threading.Event().wait()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_of_a_server_that_is_killed(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(ROOT)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        processes = [int(text) for text in server.stdout.readline().split()]
        assert len(processes) == 2
        server.send_signal(number)
        assert settled(lambda: not any(map(is_there, processes)))


def test_an_interrupt_of_the_terminal_leaves_its_end_to_the_server(open_pool: Open) -> None:
    pool = open_pool()
    inspect(pool)
    (process_id,) = pool.process_ids()
    os.kill(process_id, signal.SIGINT)
    inspect(pool)
    assert pool.process_ids() == [process_id]


def test_no_thread_is_left_that_keeps_a_process_from_ending(open_pool: Open) -> None:
    inspect(open_pool())
    timers = [one for one in threading.enumerate() if isinstance(one, threading.Timer)]
    assert timers
    assert all(one.daemon for one in timers)


def test_what_is_no_image_is_refused_by_type(pool: DecoderPool) -> None:
    with pytest.raises(NotAnImage):
        inspect(pool, b"GIF")


def test_a_process_removes_what_tells_where_an_image_was_taken(pool: DecoderPool) -> None:
    for make in PHOTOS.values():
        data = make()
        given_out = pool.without_location(data, name="a")
        assert given_out == images.without_location(data, name="a")
        assert not any(secret in given_out for secret in SECRETS)
    with pytest.raises(DamagedImage, match="its location"):
        pool.without_location(b"II*\0\x08\0\0\0\xff\xff", name="a")
