"""Score against a cost as an SVG picture: every trial a dot, the front a staircase, its members named."""

import math
from collections.abc import Sequence
from html import escape

from seqwright.faces.svg import framed

WIDTH, HEIGHT, LEFT, BOTTOM, MARGIN = 720, 440, 70, 56, 24
INK, PALE, FRONT, GRID = "#334155", "#94a3b8", "#2563eb", "#e2e8f0"


def scatter(dots: Sequence[tuple[float, float, str]], front: Sequence[tuple[float, float, str]], cost: str) -> str:
    """A stand-alone SVG.

    Args:
        dots: (cost, score, words) of every trial; front: of those that nothing beats.
        cost: name of the cost, whose axis is logarithmic.
    """
    both = [(max(x, 1e-9), y, words) for x, y, words in (*dots, *front)]
    low, high = math.log10(min(x for x, *_ in both)), math.log10(max(x for x, *_ in both))
    worst, best = min(y for _, y, _ in both), max(y for _, y, _ in both)
    low, high = (low - 0.1, high + 0.1)
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
        lines.append(_text(x, HEIGHT - BOTTOM + 18, f"{value:g}" if value < 1e4 else f"{value:.0e}", "middle"))
    for step in range(5):
        value = worst + room + step / 4 * (best - worst - 2 * room)
        _, y = at(1.0, value)
        lines.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - MARGIN}" stroke="{GRID}"/>')
        lines.append(_text(LEFT - 8, y + 4, f"{value:.3g}", "end"))
    lines.append(_text((LEFT + WIDTH) / 2, HEIGHT - 12, cost, "middle"))
    lines.append(_text(LEFT - 8, MARGIN - 8, "score", "end"))
    for x, y, words in dots:
        a, b = at(x, y)
        lines.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{PALE}"><title>{escape(words)}</title></circle>')
    steps = sorted(front)
    stairs = [at(x, y) for x, y, _ in steps]
    path = "".join(f"H{a:.1f}V{b:.1f}" for a, b in stairs[1:])
    lines.append(
        f'<path d="M{stairs[0][0]:.1f} {stairs[0][1]:.1f}{path}H{WIDTH - MARGIN}" fill="none" stroke="{FRONT}"/>'
    )
    for (a, b), (_, _, words) in zip(stairs, steps, strict=True):
        lines.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="5" fill="{FRONT}"><title>{escape(words)}</title></circle>')
    return framed(WIDTH, HEIGHT, lines)


def _decades(low: float, high: float) -> list[float]:
    """Round numbers between two logarithms: 1, 2, 5, 10, ... or powers of ten alone where those are many."""
    steps = (1.0, 2.0, 5.0) if high - low < 2.5 else (1.0,)
    found = [step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in steps]
    return [value for value in found if low <= math.log10(value) <= high]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}" text-anchor="{anchor}">{escape(text)}</text>'
