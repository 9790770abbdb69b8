"""What people can say to find something: words, compared in folded case and without accents, by how they begin.

``munchen`` finds ``München GmbH``; ``7k2m-9x`` finds the licence ``7k2m-9xq4-…``; several words have to be there all.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

MAX_WORD_CHARACTERS = 40
MAX_WORDS = 8
"""Of a search; the rest of a longer one is not looked at."""


def words_of(*texts: str) -> frozenset[str]:
    """The words of the texts: unbroken runs of letters and digits."""
    return frozenset(word for text in texts for word in _words(text))


def parts_of(*texts: str) -> frozenset[str]:
    """The words of the texts, and the ends of each word: any few characters of a key's hint begin one of these, also
    where a hyphen or underscore, of which keys have many, stands between them."""
    return frozenset(word[start:] for word in words_of(*texts) for start in range(len(word)))


def wanted_words(search: str) -> tuple[str, ...]:
    """The words a search is for, the longest first because they say most. Empty if there is none in it."""
    if "\0" in search:  # no database holds it, so nothing has it
        return ()
    return tuple(sorted(words_of(search), key=lambda word: (-len(word), word)))[:MAX_WORDS]


def fits(wanted: Iterable[str], words: frozenset[str]) -> bool:
    """Whether each wanted word is the beginning of one of the words."""
    return all(any(word.startswith(one) for word in words) for one in wanted)


def _words(text: str) -> Iterable[str]:
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", text.casefold())
        if not unicodedata.combining(character)
    ).casefold()
    spaced = "".join(character if character.isalnum() else " " for character in plain)
    return (word[:MAX_WORD_CHARACTERS] for word in spaced.split())
