"""Each caller has a rate: what is above it waits, then is refused, and leaves the others alone."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from labeler.api.call_rate import CallRate
from labeler.errors import TooManyCalls
from labeler.model.limits import BURST_S, LONGEST_WAIT_S, MAX_CALLS_PER_S
from tests.api.conftest import Open
from tests.api.support import Api, refused


class Day:
    """A rate, and a clock that stands still; it notes how long each call is told to wait."""

    def __init__(self, per_s: int) -> None:
        self.now = 100.0
        self.waits: list[float] = []
        self.rate = CallRate(per_s, lambda: self.now, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def call(self, caller: str = "ana", times: int = 1) -> None:
        for _ in range(times):
            asyncio.run(self.rate.turn(caller))


def test_who_has_been_quiet_calls_at_once_and_then_at_the_rate() -> None:
    day = Day(10)
    day.call(times=10 * BURST_S)
    assert day.waits == []
    day.call(times=10 * LONGEST_WAIT_S)
    assert day.waits == pytest.approx([turn / 10 for turn in range(1, 10 * LONGEST_WAIT_S + 1)])
    with pytest.raises(TooManyCalls) as caught:
        day.call()
    assert (caught.value.status, caught.value.after_s) == (429, 1)
    day.call("bob")  # others are not held up
    assert len(day.waits) == 10 * LONGEST_WAIT_S
    day.now += caught.value.after_s  # who comes when they were told to is let in
    day.call()
    assert day.waits[-1] == pytest.approx(LONGEST_WAIT_S - 0.9)


def test_refused_calls_do_not_count() -> None:
    day = Day(10)
    day.call(times=10 * (BURST_S + LONGEST_WAIT_S))
    for _ in range(1000):
        with pytest.raises(TooManyCalls):
            day.call()
    day.now += BURST_S + LONGEST_WAIT_S
    day.waits.clear()
    day.call(times=10 * BURST_S)
    assert day.waits == []


def test_callers_of_long_ago_are_forgotten() -> None:
    day = Day(10)
    most = 0
    for number in range(20_000):
        day.now += 0.001
        day.rate._wait(f"caller {number}")
        most = max(most, len(day.rate._quiet_at))
    assert most <= 1025  # each is quiet again after 0.1 s


def test_without_a_rate_nobody_waits() -> None:
    day = Day(0)
    day.call(times=1000)
    assert day.waits == []


# --- over HTTP ----------------------------------------------------------------------------


def at_once(api: Api, *kinds: dict[str, str]) -> list[httpx.Response]:
    """The answers to 20 calls that are made at once, with each kind of headers in turn."""

    def call(number: int) -> httpx.Response:
        return api.client.get("/api/labels", headers=kinds[number % len(kinds)])

    with ThreadPoolExecutor(20) as threads:
        return [*threads.map(call, range(20))]


def use_up(api: Api, *kinds: dict[str, str]) -> None:
    """Call until calls are refused for the rate."""
    answers = at_once(api, *kinds)
    early = [answer for answer in answers if answer.status_code == 429]
    assert len(early) >= 5  # 10 calls of the burst, and those that may wait
    for answer in early:
        message = refused(answer, 429, "too_many_calls")["error"]["message"]
        assert "1 times per second" in message
        assert int(answer.headers["Retry-After"]) >= 1


def test_a_caller_above_the_rate_is_told_when_to_come_and_others_are_not_held_up(
    open_api: Open,
) -> None:
    api = open_api(LABELER_AUTH="oidc", LABELER_MAX_CALLS_PER_S="1")
    ana, bob = (
        {"Authorization": f"Bearer {api.token(f'{name}@example.com', time.time())}"}
        for name in ("ana", "bob")
    )
    use_up(api, ana)
    assert api.client.get("/api/labels", headers=bob).status_code == 200
    # The address has a rate of its own.
    assert api.client.get("/api/labels", headers=by("203.0.113.7")).status_code == 401
    for path in ("/api/health", "/api/ready", "/api/openapi.json"):
        assert api.client.get(path, headers=ana).status_code == 200


def test_refusals_take_the_rate_of_their_address(open_api: Open) -> None:
    api = open_api(LABELER_AUTH="oidc", LABELER_MAX_CALLS_PER_S="1")
    use_up(api, by("203.0.113.7"), {**by("203.0.113.7"), "Authorization": "Bearer x.y"})


def test_where_nobody_signs_in_the_address_that_the_trusted_proxy_states_is_the_caller(
    open_api: Open,
) -> None:
    """The server's own address is the trusted proxy's here; what stands before its is made up."""
    api = open_api(LABELER_MAX_CALLS_PER_S="1")
    use_up(api, by("203.0.113.7"), by("198.51.100.9, 203.0.113.7"), by("::ffff:203.0.113.7"))
    for other in ("203.0.113.8", "203.0.113.7, 203.0.113.9"):
        assert api.client.get("/api/labels", headers=by(other)).status_code == 200


def test_a_network_of_ipv6_is_one_caller(open_api: Open) -> None:
    api = open_api(LABELER_MAX_CALLS_PER_S="1")
    use_up(api, by("2001:db8:1:2::7"), by("2001:db8:1:2:ffff::8"))
    assert api.client.get("/api/labels", headers=by("2001:db8:1:3::7")).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-For": "::1"}])
def test_what_nobody_signs_on_this_machine_has_no_rate(
    open_api: Open, headers: dict[str, str]
) -> None:
    """A proxy here that states no addresses would make one caller of a whole office."""
    api = open_api(LABELER_MAX_CALLS_PER_S="1")
    assert {answer.status_code for answer in at_once(api, headers)} == {200}


def by(addresses: str) -> dict[str, str]:
    return {"X-Forwarded-For": addresses}


def test_programs_are_told_the_rate(api: Api) -> None:
    told = api.client.get("/api/openapi.json").json()
    assert told["x-rate"] == {
        "calls_per_s": MAX_CALLS_PER_S,
        "setting": "LABELER_MAX_CALLS_PER_S",
        "burst_s": BURST_S,
        "longest_wait_s": LONGEST_WAIT_S,
        "status": 429,
        "code": "too_many_calls",
    }
    for path, calls in told["paths"].items():
        for method, call in calls.items():
            is_open = path in ("/api/health", "/api/ready")
            assert ("429" in call["responses"]) != is_open, f"{method} {path}"
