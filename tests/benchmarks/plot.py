"""The plot of docs/performance, for light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_THEMES = {
    "light": {"ink": "#1f2328", "paper": "#ffffff", "ours": "#0969da", "others": "#8c959f", "bound": "#cf222e"},
    "dark": {"ink": "#e6edf3", "paper": "#0d1117", "ours": "#4493f8", "others": "#7d8590", "bound": "#ff7b72"},
}


def draw(results: Mapping[str, Any], docs: Path) -> None:
    """``cpu-per-request-{light,dark}.{svg,png}``: bars of CPU time with the spread and each bound."""
    try:
        import matplotlib
    except ImportError:
        print("no plot: matplotlib is not installed (pip install matplotlib)")
        return
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "tenure", "font.family": "sans-serif"})
    for theme, colours in _THEMES.items():
        _draw(results, docs, theme, colours)


def _draw(results: Mapping[str, Any], docs: Path, theme: str, colours: Mapping[str, str]) -> None:
    from matplotlib import pyplot

    shown = list(reversed(results["results"]))
    names = [one["name"] for one in shown]
    bare = next((one["cpu_us"] for one in shown if one["name"] == "bare Starlette"), None)
    figure, axes = pyplot.subplots(figsize=(9, 0.42 * len(shown) + 1.3), facecolor=colours["paper"])
    axes.set_facecolor(colours["paper"])
    axes.barh(
        names,
        [one["cpu_us"] for one in shown],
        xerr=[[o["cpu_us"] - o["lowest"] for o in shown], [o["highest"] - o["cpu_us"] for o in shown]],
        color=[colours["ours"] if one["is_ours"] else colours["others"] for one in shown],
        ecolor=colours["ink"],
        height=0.62,
    )
    for place, one in enumerate(shown):
        axes.text(one["highest"] + 1.5, place, f"{one['cpu_us']:.1f}", va="center", color=colours["ink"], fontsize=9)
        if bare is not None and one["is_ours"] and one["at_most"] is not None:
            axes.plot([one["at_most"] * bare] * 2, [place - 0.42, place + 0.42], color=colours["bound"], linewidth=2)
    axes.set_xlabel("server CPU time per request, µs (red: the bound; whiskers: lowest and highest round)")
    axes.tick_params(colors=colours["ink"])
    axes.xaxis.label.set_color(colours["ink"])
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(colours["ink"])
    figure.tight_layout()
    for ending in ("svg", "png"):
        metadata = {"Date": None} if ending == "svg" else {"Software": None}
        figure.savefig(docs / f"cpu-per-request-{theme}.{ending}", dpi=150, metadata=metadata)
    pyplot.close(figure)
