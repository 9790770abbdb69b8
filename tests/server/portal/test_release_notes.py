from __future__ import annotations

import pytest

from tenure_server.portal.release_notes import rendered


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "text <b onclick=alert(1)>bold</b>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "![x](javascript:alert(1))",
        '[x](https://example.com "><script>alert(1)</script>")',
        "<javascript:alert(1)>",
    ],
)
def test_nothing_in_release_notes_can_run(markdown: str) -> None:
    html = rendered(markdown)
    for tag in ("<script", "<img", "<b ", 'href="javascript', 'href="data', 'href="vbscript', "href='j"):
        assert tag not in html.lower()


def test_images_become_links_so_that_no_other_host_is_asked() -> None:
    html = rendered("![a picture](https://example.com/x.png)")
    assert "<img" not in html
    assert 'href="https://example.com/x.png"' in html


def test_tables_carry_no_style_attribute() -> None:
    html = rendered("| a | b |\n|:--|--:|\n| 1 | 2 |")
    assert "<table>" in html
    assert "style=" not in html


def test_headings_stay_below_the_release_they_belong_to() -> None:
    assert rendered("# A\n\n## B\n\n###### C") == "<h4>A</h4>\n<h5>B</h5>\n<h6>C</h6>\n"


def test_links_tell_nothing_about_where_they_were_followed() -> None:
    assert 'rel="noopener noreferrer nofollow"' in rendered("[x](https://example.com)")
