"""Release notes: Markdown to HTML that can do no harm in the page.

Raw HTML stays text, ``javascript:`` and ``data:`` links stay text (markdown-it's own rule), images become links, and
nothing carries a ``style`` attribute, which the page's policy would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_DEEPEST_HEADING = 6
_SHIFT = 3
"""A release's own heading is of level 3."""

_CACHED = 256

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


@lru_cache(maxsize=_CACHED)
def rendered(markdown: str) -> Markup:
    """The notes as HTML below a heading of level 3."""
    tokens = _markdown.parse(markdown)
    for token in _with_children(tokens):
        _tame(token)
    return Markup(_markdown.renderer.render(tokens, _markdown.options, {}))  # noqa: S704 (markdown-it has escaped it)


def _with_children(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _with_children(token.children or ())


def _tame(token: Token) -> None:
    token.attrs.pop("style", None)
    if token.type == "link_open":
        token.attrSet("rel", "noopener noreferrer nofollow")
    elif token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(int(token.tag[1:]) + _SHIFT, _DEEPEST_HEADING)}"
