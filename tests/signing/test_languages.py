"""Which language of the notes a reader gets."""

from __future__ import annotations

import pytest

from tenure_signing.errors import InvalidName
from tenure_signing.languages import Language, best_language, parse_language


@pytest.mark.parametrize(
    ("wanted", "best"),
    [
        ("de", "de"),
        ("de-at", "de"),
        ("pt-br-x1", "pt-br"),
        ("pt", None),
        ("en", None),
        ("en-gb de", None),
        ("fi de en", "de"),
        ("fi", None),
        ("", None),
    ],
)
def test_the_first_wanted_language_that_is_there_is_chosen(wanted: str, best: str | None) -> None:
    there = {Language("de"): 1, Language("pt-br"): 2}
    assert best_language([parse_language(tag) for tag in wanted.split()], there, Language("en")) == best


def test_languages_are_tags_in_any_case() -> None:
    assert parse_language("zh-Hant-TW") == "zh-hant-tw"
    for text in ("", "d", "german", "de_DE", "de-", "*", "dé", "de-a", "../x", "en-" + "a" * 40):
        with pytest.raises(InvalidName):
            parse_language(text)
