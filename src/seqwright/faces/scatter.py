"""Score against a cost as an SVG picture: every trial a dot that tells its name when pointed at, the front in blue."""

import math
from collections.abc import Sequence
from html import escape
from itertools import accumulate

from seqwright.faces.chart import rounded
from seqwright.faces.svg import framed

WIDTH, HEIGHT, LEFT, BOTTOM, MARGIN = 720, 440, 70, 56, 24
LEAST = 0.8  # powers of ten that the costs' axis shows, so that it has two labels always
INK, PALE, FRONT, GRID = "#334155", "#94a3b8", "#2563eb", "#e2e8f0"


def scatter(dots: Sequence[tuple[float, float, str]], front: Sequence[tuple[float, float, str]], cost: str) -> str:
    """A stand-alone SVG.

    Args:
        dots: (cost, score, words) of every trial; front: of those that nothing beats, in other costs as well maybe.
        cost: name of the cost, whose axis is logarithmic.
    """
    both = [(max(x, 1e-9), y, words) for x, y, words in (*dots, *front)]
    low, high = math.log10(min(x for x, *_ in both)), math.log10(max(x for x, *_ in both))
    worst, best = min(y for _, y, _ in both), max(y for _, y, _ in both)
    beside = max(0.1, (LEAST - (high - low)) / 2)
    low, high = low - beside, high + beside
    room = 0.05 * (best - worst) or 0.05
    worst, best = worst - room, best + room

    def at(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(max(x, 1e-9)) - low) / (high - low)
        up = (y - worst) / (best - worst)
        return LEFT + across * (WIDTH - LEFT - MARGIN), HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - MARGIN)

    lines: list[str] = []
    for value in _decades(low, high):
        x, _ = at(value, worst)
        lines.append(f'<path d="M{x:.1f} {MARGIN}V{HEIGHT - BOTTOM}" stroke="{GRID}"/>')
        lines.append(_text(x, HEIGHT - BOTTOM + 18, f"{value:,.0f}" if value >= 1 else f"{value:g}", "middle"))
    for value in rounded(worst, best):
        if not worst <= value <= best:
            continue
        _, y = at(1.0, value)
        lines.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - MARGIN}" stroke="{GRID}"/>')
        lines.append(_text(LEFT - 8, y + 4, f"{value:g}", "end"))
    lines.append(_text((LEFT + WIDTH) / 2, HEIGHT - 12, cost, "middle"))
    lines.append(_text(LEFT - 8, MARGIN - 8, "score", "end"))
    for x, y, words in dots:
        a, b = at(x, y)
        lines.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{PALE}"><title>{escape(words)}</title></circle>')
    steps = sorted(front)
    tops = accumulate((y for _, y, _ in steps), max)  # one that is dearer and no better stands for another cost
    (a, b), *stairs = (at(x, top) for (x, *_), top in zip(steps, tops, strict=True))
    path = "".join(f"H{a:.1f}V{b:.1f}" for a, b in stairs)
    lines.append(f'<path d="M{a:.1f} {b:.1f}{path}H{WIDTH - MARGIN}" fill="none" stroke="{FRONT}"/>')
    for x, y, words in steps:
        a, b = at(x, y)
        lines.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="5" fill="{FRONT}"><title>{escape(words)}</title></circle>')
    return framed(WIDTH, HEIGHT, lines)


def _decades(low: float, high: float) -> list[float]:
    """Round numbers between two logarithms: 1, 2, 5, 10, ... or powers of ten alone where those are many."""
    steps = (1.0, 2.0, 5.0) if high - low < 2.5 else (1.0,)
    found = [step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in steps]
    return [value for value in found if low <= math.log10(value) <= high]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}" text-anchor="{anchor}">{escape(text)}</text>'
