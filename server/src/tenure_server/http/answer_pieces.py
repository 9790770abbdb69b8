"""The body of an update check, put together from pieces that are rendered once.

What every licence is told of a release is rendered by the types of ``wire`` when it is first needed; what is the
licence's own comes from ``support_pieces``. A test holds the result equal, byte for byte, to what ``wire`` renders.
"""

from __future__ import annotations

from collections.abc import Sequence

from tenure_server.http import wire
from tenure_server.use_cases.catalogue import PublishedProduct
from tenure_server.use_cases.licence_cache import RecentlyUsed
from tenure_signing.coverage import Covered
from tenure_signing.languages import Language
from tenure_signing.names import EditionName, Platform
from tenure_signing.releases import Release
from tenure_signing.update_choice import InstalledCopy, Newest, Offer, UpdateChoice
from tenure_signing.update_index import UpdateIndex

MAX_PIECES = 8_192
"""Of one product: offers of about 1 kB, the newest release with each decision, withdrawals."""

SPELLED: tuple[str, ...] = (
    *("status", "product", "edition", "channel", "pinned", "installed"),
    *("offer", "newest", "support", "renewal", "certificate"),
)
"""The members of ``wire.UpdateCheck``, in order, as ``AnswerPieces.body`` puts them together."""

_NULL = b"null"


class AnswerPieces:
    """The pieces of one product on one day."""

    def __init__(self, index: UpdateIndex, published: PublishedProduct, base_url: str) -> None:
        self.index = index
        self.published = published
        self._base_url = base_url
        self._pieces: RecentlyUsed[object, bytes] = RecentlyUsed(MAX_PIECES)

    def body(
        self,
        choice: UpdateChoice,
        edition: EditionName,
        copy: InstalledCopy,
        version: str,
        own: bytes,
        languages: Sequence[Language] = (),
    ) -> bytes:
        """``version`` is the installed one in its normal spelling, ``own`` what ``SupportPieces`` gave,
        ``languages`` those wanted for the notes."""
        installed = choice.installed
        pinned = "null" if choice.pin is None else f'"{choice.pin}"'
        head = (
            f'{{"status":"{choice.status.value}","product":"{self.index.product.product}","edition":"{edition}",'
            f'"channel":"{copy.channel}","pinned":{pinned},"installed":{{"version":"{version}","withdrawn":'
        )
        return b"".join(
            (
                head.encode(),
                _NULL if installed is None or installed.withdrawal is None else self._withdrawn(installed),
                b'},"offer":',
                _NULL if choice.offer is None else self._offer(choice.offer, copy.machine, languages),
                b',"newest":',
                _NULL if choice.newest is None else self._newest(choice.newest),
                b",",
                own,
                b',"certificate":null}',
            )
        )

    # Releases live as long as their index, so they are told apart by identity.

    def _offer(self, offer: Offer, machine: Platform, languages: Sequence[Language]) -> bytes:
        language = self.published.language_for(offer.release.version, languages) if languages else None
        key = (id(offer.release), machine, offer.covered.reason, offer.is_downgrade, offer.last_step, language)
        piece = self._pieces.get(key)
        if piece is None:
            notes = self.published.notes_in(offer.release.version, language)
            piece = offer_answer(offer, notes, self._base_url).model_dump_json().encode()
            self._pieces.put(key, piece)
        return piece

    def _newest(self, newest: Newest) -> bytes:
        key = (id(newest.release), newest.coverage)
        piece = self._pieces.get(key)
        if piece is None:
            piece = newest_answer(newest).model_dump_json().encode()
            self._pieces.put(key, piece)
        return piece

    def _withdrawn(self, release: Release) -> bytes:
        key = id(release)
        piece = self._pieces.get(key)
        if piece is None:
            withdrawal = wire.Withdrawal.of(release)
            piece = withdrawal.model_dump_json().encode() if withdrawal is not None else _NULL
            self._pieces.put(key, piece)
        return piece


def offer_answer(offer: Offer, notes: str | None, base_url: str) -> wire.Offer:
    release = offer.release
    return wire.Offer(
        version=str(release.version),
        kind=release.kind,
        released_on=release.released_on,
        channel=release.channel,
        reason=offer.covered.reason,
        downgrade=offer.is_downgrade,
        more_steps_follow=offer.more_steps_follow,
        last_step=str(offer.last_step) if offer.last_step is not None else None,
        notes=notes,
        builds=[wire.Build.of(build, base_url) for build in offer.builds],
    )


def newest_answer(newest: Newest) -> wire.Newest:
    release = newest.release
    return wire.Newest(
        version=str(release.version),
        kind=release.kind,
        released_on=release.released_on,
        channel=release.channel,
        covered=isinstance(newest.coverage, Covered),
        reason=newest.coverage.reason,
        price=wire.price_of(newest.coverage),
    )
