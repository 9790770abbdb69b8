from __future__ import annotations

import pytest

from tenure_server.domain.search_words import fits, parts_of, wanted_words


@pytest.mark.parametrize("hint", ["…k3mq9x", "…xyab-c", "…a_b-cd", "…x-yabc", "…_Ab_9-"])
def test_a_licence_is_found_by_the_last_characters_of_its_key_wherever_a_hyphen_stands(hint: str) -> None:
    """Whatever the caller reads out of them, from any place to the end."""
    words = parts_of(hint)
    for start in range(1, len(hint)):
        assert fits(wanted_words(hint[start:]), words), hint[start:]


def test_other_characters_find_another_key() -> None:
    assert not fits(wanted_words("q9x"), parts_of("…k3mq8x"))
