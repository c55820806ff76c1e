"""Charts as SVG: bars and lines with axes and a legend, in greys that also print. Pure; no script, no outside font."""

import math
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from cityhall_bms.domain.reports import Language
from cityhall_bms.reports.document import Chart, ChartKind, Series, said

WIDTH, HEIGHT = 640.0, 200.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 12.0, 30.0, 26.0
TICKS_ABOUT: Final = 5
LABELS_MAX: Final = 16
COLOURS: Final = ("#1f4e79", "#9db7d1", "#6b6b6b", "#b08d57")
"""Of the series in order; dark before light, so that they differ in grey too."""
FONT: Final = "Noto Sans TC, Noto Sans CJK TC, sans-serif"


def chart_svg(chart: Chart, language: Language) -> str:
    """One chart as an ``svg`` element. What nobody knows has no bar, and is a gap in a line."""
    low, high, step = _scale(chart.series)
    plot = _Plot(len(chart.categories), low, high)
    title = said(chart.text, language)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img"'
    parts = [
        f"{head} aria-label={quoteattr(title)}>",
        f'<g font-family={quoteattr(FONT)} font-size="10" fill="#333">',
        *_grid(plot, low, high, step),
        *_categories(plot, [said(name, language) for name in chart.categories]),
        *_legend(chart.series, language),
        _text(LEFT - 8.0, TOP - 10.0, chart.unit, "end"),
    ]
    bars = [series for series in chart.series if chart.kind is ChartKind.BAR and not series.dashed]
    for number, series in enumerate(chart.series):
        colour = COLOURS[number % len(COLOURS)]
        parts += (
            _bars(plot, series, colour, bars.index(series), len(bars))
            if series in bars
            else [*_line(plot, series, colour)]
        )
    return "".join([*parts, "</g></svg>"])


class _Plot:
    """Where things stand."""

    def __init__(self, categories: int, low: float, high: float) -> None:
        self._low, self._high = low, high
        self.slot = (WIDTH - LEFT - RIGHT) / max(categories, 1)

    def x(self, category: int) -> float:
        """Middle of a category."""
        return LEFT + (category + 0.5) * self.slot

    def y(self, value: float) -> float:
        """Height of a value, downwards."""
        return TOP + (HEIGHT - TOP - BOTTOM) * (self._high - value) / (self._high - self._low)


def _scale(series: Sequence[Series]) -> tuple[float, float, float]:
    """Axis from zero (or below) to a round number, and the step between its lines."""
    known = [value for each in series for value in each.values if value is not None] or [0.0]
    low, high = min(0.0, *known), max(0.0, *known)
    span = (high - low) or 1.0
    rough = span / TICKS_ABOUT
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= rough * 0.999)
    top = math.ceil(high / step) * step
    return math.floor(low / step) * step, top if top > low else low + step, step


def _grid(plot: _Plot, low: float, high: float, step: float) -> Iterator[str]:
    for number in range(round((high - low) / step) + 1):
        value = low + number * step
        y = plot.y(value)
        colour = "#888" if abs(value) < step / 2.0 else "#ddd"
        yield f'<path d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}" stroke="{colour}" stroke-width="0.7"/>'
        yield _text(LEFT - 8.0, y + 3.5, f"{value:,.10g}", "end")


def _categories(plot: _Plot, names: Sequence[str]) -> Iterator[str]:
    every = math.ceil(len(names) / LABELS_MAX)
    for number, name in enumerate(names):
        if number % every == 0:
            yield _text(plot.x(number), HEIGHT - 10.0, name, "middle")


def _legend(series: Sequence[Series], language: Language) -> Iterator[str]:
    x = LEFT
    for number, each in enumerate(series):
        name, colour = said(each.text, language), COLOURS[number % len(COLOURS)]
        dashes = ' stroke-dasharray="4 3"' if each.dashed else ""
        yield f'<path d="M{x:g} 10h18" stroke="{colour}" stroke-width="{2 if each.dashed else 6}"{dashes}/>'
        yield _text(x + 24.0, 13.5, name, "start")
        x += 40.0 + sum(10.5 if ord(letter) > 0x2E80 else 5.8 for letter in name)


def _bars(plot: _Plot, series: Series, colour: str, place: int, beside: int) -> Iterator[str]:
    width = plot.slot * 0.72 / beside
    for number, value in enumerate(series.values):
        if value is not None:
            x = plot.x(number) - plot.slot * 0.36 + place * width
            top, foot = sorted((plot.y(value), plot.y(0.0)))
            yield f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{foot - top:.1f}" fill="{colour}"/>'


def _line(plot: _Plot, series: Series, colour: str) -> Iterator[str]:
    path, pen_up = "", True
    for number, value in enumerate(series.values):
        if value is None:
            pen_up = True
            continue
        path += f"{'M' if pen_up else 'L'}{plot.x(number):.1f} {plot.y(value):.1f}"
        pen_up = False
    dashes = ' stroke-dasharray="4 3"' if series.dashed else ""
    if path:
        yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dashes}/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
