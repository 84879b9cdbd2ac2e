"""Who has which image: a lease per image, in the store, so that every instance sees it.

A claim is created and renewed by naming the state that it replaces, so two people never get one
image. Saving does not ask for it: a lease that ends while somebody works loses nothing. A claim
that has ended counts as none. It is removed later, by whoever asks for an image.

The claim on an image that is finished stays until it ends. Meanwhile other instances, whose
listings may be older, need not look at that image again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain, islice
from typing import Final, NamedTuple

from labeler.errors import ClaimedByOther, NotFound, StillListing, Unavailable, VersionConflict
from labeler.model.document import NEEDS_WORK, Status
from labeler.model.layout import claim_key
from labeler.project.image_entry import ImageEntry
from labeler.project.image_index import ImageIndex
from labeler.project.image_view import ImageView, Turn
from labeler.project.stored_claims import Claim as Claim
from labeler.project.stored_claims import Holder as Holder
from labeler.project.stored_claims import StoredClaim, StoredClaims
from labeler.storage import ABSENT, Store

_TRIES: Final = 20
_FRESH: Final = 0.9
"""A lease of which so much is left is not written again: one object takes one write per second."""
_TIDIED: Final = 3
"""Ended claims that one call removes. A call adds one at most, so that they do not pile up."""
_WIDEST: Final = 64
_FIRST: Final = 200
"""Images from which claims are given before all are listed."""


class Order(StrEnum):
    """Which image is the next one. `returned`: what came back to this person, then by name."""

    RETURNED = "returned"
    NAME = "name"
    NEWEST = "newest"
    RANDOM = "random"


_TURNS: Final = {
    Order.RETURNED: Turn.NAME,
    Order.NAME: Turn.NAME,
    Order.NEWEST: Turn.NEWEST,
    Order.RANDOM: Turn.RANDOM,
}


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """What somebody asks for: an image in one of these statuses, the next one behind `after`.

    The order goes round: after the last image comes the first. `after` itself is never given.
    Images of `prefer` come first, as far as they may be given and are free; then come those that
    are assigned to `person`. If `order` is `returned`, what came back to this person comes before
    both. An image that is assigned to somebody else is never given.
    """

    after: str = ""
    statuses: frozenset[Status] = NEEDS_WORK
    order: Order = Order.RETURNED
    prefer: tuple[str, ...] = ()
    person: str = ""

    def takes(self, entry: ImageEntry) -> bool:
        """Whether the image may be given."""
        if entry.assigned_to and entry.assigned_to != self.person:
            return False
        return entry.status in self.statuses and not entry.problem and entry.image_id != self.after


class Holding(NamedTuple):
    """Who has an image (empty where nobody is asked), until when, and whether it is the caller."""

    by: str
    until: datetime
    is_own: bool


class ClaimAnswer(NamedTuple):
    """The claim, None where nothing is left, and what `Claims.tidy` is to be given afterwards."""

    claim: Claim | None
    ended: tuple[StoredClaim, ...]


class Claims:
    """The claims of one project. `lease_s` is how long an image belongs to somebody."""

    def __init__(
        self, store: Store, image_index: ImageIndex, clock: Callable[[], datetime], lease_s: int
    ) -> None:
        self._image_index = image_index
        self._clock = clock
        self._lease = timedelta(seconds=lease_s)
        self._stored = StoredClaims(store, clock, self._lease)

    @property
    def lease_s(self) -> int:
        """How long a claim holds after it was made or renewed, in seconds."""
        return int(self._lease.total_seconds())

    def claim_next(self, holder: Holder, wanted: ClaimRequest) -> ClaimAnswer:
        """Give the holder the next image that nobody else has.

        Who asks the same again, because the answer was lost, gets the same image, if it is still
        to be given. Reads no document whose metadata tells its status.
        """
        now = self._clock()
        stored = {claim.image_id: claim for claim in self._stored.list()}
        ended = tuple(claim for claim in stored.values() if claim.until <= now)
        given = self._given_before(stored.values(), holder, wanted, now)
        if given is None:
            given = self._first_free(holder, wanted, stored, now)
        left = tuple(claim for claim in ended if given is None or claim.image_id != given.image_id)
        return ClaimAnswer(given, left)

    def next_ones(self, holder: Holder, wanted: ClaimRequest, limit: int) -> list[str]:
        """The images that the holder would be given one after the other. Claims none.

        A page fetches them ahead, and names them in `prefer` when it asks for the next one.
        """
        others = _held(self._stored.list(), holder, self._clock())
        found = self._wished(holder, wanted)
        return [
            entry.image_id
            for entry in islice(found, limit + len(others))
            if entry.image_id not in others
        ][:limit]

    def look(self, image_id: str, holder: Holder) -> Holding | None:
        """Who has the image now; None if nobody has."""
        found = self._stored.look(image_id)
        if found is None or found.until <= self._clock():
            return None
        return Holding(found.by, found.until, found.holder == holder.digest)

    def renew(self, image_id: str, holder: Holder) -> Claim:
        """Have the lease begin anew; claims the image where nobody has it.

        Raises ClaimedByOther, and NotFound where there is no such image.
        """
        key = claim_key(image_id)
        if self._image_index.find(image_id) is None:
            raise NotFound(f"There is no image {image_id}. Choose one from the list.")
        for _ in range(_TRIES):
            found = self._stored.look(image_id)
            self._check_holder(found, holder)
            after = found.after if found and found.holder == holder.digest else ""
            with suppress(VersionConflict):
                return self._stored.write(
                    image_id, holder, after, found.version if found else ABSENT
                )
        raise Unavailable(f"{key} keeps being changed by others. Try again.")

    def release(self, image_id: str, holder: Holder) -> None:
        """Give the image back; nothing happens where nobody has it. Raises ClaimedByOther."""
        key = claim_key(image_id)
        for _ in range(_TRIES):
            found = self._stored.look(image_id)
            self._check_holder(found, holder)
            if found is None:
                return
            with suppress(VersionConflict):
                self._stored.remove(found)
                return
        raise Unavailable(f"{key} keeps being changed by others. Try again.")

    def tidy(self, ended: Iterable[StoredClaim]) -> None:
        """Remove a few claims that have ended, unless somebody has renewed them meanwhile."""
        for claim in islice(ended, _TIDIED):
            with suppress(VersionConflict):
                self._stored.remove(claim)

    # --- within ---------------------------------------------------------------------------

    def _given_before(
        self,
        stored: Iterable[StoredClaim],
        holder: Holder,
        wanted: ClaimRequest,
        now: datetime,
    ) -> Claim | None:
        """The image that the holder got by the same question, if it is still to be given."""
        own = [
            claim
            for claim in stored
            if claim.holder == holder.digest
            and claim.until > now
            and wanted.after in ("", claim.after)
        ]
        for claim in sorted(own, key=lambda claim: claim.until, reverse=True):
            # Most are those of images that this person has just finished: the index knows these.
            known = self._image_index.known(claim.image_id)
            if known is not None and not wanted.takes(known):
                continue
            if not self._is_to_give(claim.image_id, wanted):
                continue
            if claim.until - now > self._lease * _FRESH:
                return Claim(claim.image_id, claim.until)
            with suppress(VersionConflict):
                return self._stored.write(claim.image_id, holder, claim.after, claim.version)
        return None

    def _first_free(
        self,
        holder: Holder,
        wanted: ClaimRequest,
        stored: Mapping[str, StoredClaim],
        now: datetime,
    ) -> Claim | None:
        """Claim the first image that can be had.

        Many people who ask at once all want the same one. After each that another was given, the
        choice is among twice as many of the next ones.
        """
        others = _held(stored.values(), holder, now)
        wished = self._wished(holder, wanted)
        free = (entry for entry in wished if entry.image_id not in others)
        window, next_ones = 1, list(islice(free, 1))
        while next_ones:
            image_id = next_ones.pop(random.randrange(len(next_ones))).image_id  # noqa: S311
            try:
                given = self._claim(image_id, holder, wanted, stored.get(image_id), now)
            except VersionConflict:
                window = min(2 * window, _WIDEST)
            else:
                if given is not None:
                    return given
            next_ones += islice(free, window - len(next_ones))
        return None

    def _claim(
        self,
        image_id: str,
        holder: Holder,
        wanted: ClaimRequest,
        claim: StoredClaim | None,
        now: datetime,
    ) -> Claim | None:
        """Claim the image, which has no claim, one that has ended, or the holder's own.

        None if it is finished by now. Raises VersionConflict.
        """
        is_own = claim is not None and claim.until > now
        if is_own and not self._is_to_give(image_id, wanted):
            return None  # its claim stays
        given = self._stored.write(
            image_id, holder, wanted.after, claim.version if claim else ABSENT
        )
        # Only now nobody else begins with it: what was listed may be older.
        if self._is_to_give(image_id, wanted):
            return given
        with suppress(VersionConflict, NotFound):
            self.release(image_id, holder)
        return None

    def _wished(self, holder: Holder, wanted: ClaimRequest) -> Iterator[ImageEntry]:
        """The images that may be given, in the order in which the holder wants them."""
        found = (self._image_index.find(image_id) for image_id in wanted.prefer)
        preferred = [entry for entry in found if entry is not None and wanted.takes(entry)]
        try:
            view = self._image_index.view()
        except StillListing as still:
            if wanted.order not in (Order.RETURNED, Order.NAME):
                raise
            return chain(preferred, self._first_ones(wanted, still))
        return _in_order(view, holder, wanted, preferred)

    def _first_ones(self, wanted: ClaimRequest, still: StillListing) -> Iterator[ImageEntry]:
        """The first images by name, those behind `after` first; raises `still` at their end."""
        first = self._image_index.first_images(_FIRST).entries
        at = next((i for i, entry in enumerate(first, 1) if entry.image_id == wanted.after), 0)
        yield from filter(wanted.takes, first[at:] + first[:at])
        raise still

    def _is_to_give(self, image_id: str, wanted: ClaimRequest) -> bool:
        entry = self._image_index.look_again(image_id)
        return entry is not None and wanted.takes(entry)

    def _check_holder(self, found: StoredClaim | None, holder: Holder) -> None:
        if found and found.holder != holder.digest and found.until > self._clock():
            raise ClaimedByOther(
                f"{found.by or 'Somebody else'} has this image until {found.until:%H:%M:%S} UTC. "
                "Take another one, or wait."
            )


def _held(claims: Iterable[StoredClaim], holder: Holder, now: datetime) -> set[str]:
    """The images that others than the holder have now."""
    return {
        claim.image_id for claim in claims if claim.until > now and claim.holder != holder.digest
    }


def _in_order(
    view: ImageView, holder: Holder, wanted: ClaimRequest, preferred: list[ImageEntry]
) -> Iterator[ImageEntry]:
    """The images that may be given, in the order that is asked for.

    Mostly the first one is taken, so that no more is looked at than is asked for.
    """
    statuses, turn = wanted.statuses, _TURNS[wanted.order]
    came_back: frozenset[Status] = frozenset()
    if wanted.order is Order.RETURNED:
        came_back = statuses & {Status.RETURNED}
        statuses -= came_back

    def given(
        some: frozenset[Status], assigned_to: str, after: str = "", labeler: str | None = None
    ) -> Iterator[ImageEntry]:
        return filter(wanted.takes, view.in_turn(turn, some, after, assigned_to, labeler))

    # A returned image goes back to who asks by its assignment, or as their work.
    if wanted.person:
        yield from given(came_back, wanted.person)
    yield from given(came_back, "", labeler=holder.person)
    yield from preferred
    if wanted.person:
        yield from given(statuses, wanted.person, wanted.after)
    yield from given(statuses, "", wanted.after)
    yield from (entry for entry in given(came_back, "") if entry.labeler != holder.person)
