"""Curves with their intervals, and ranks on a line, as stand-alone SVG: what a page can hold and a paper can print."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from seqwright.deliver.ranking import Ranking
from seqwright.faces.svg import framed

COLOURS = ("#2563eb", "#dc2626", "#16a34a", "#9333ea", "#ea580c", "#0891b2", "#be185d", "#65a30d", "#475569", "#a16207")
DASHES = ("", "6 3", "2 2", "8 3 2 3")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760.0, 400.0, 66.0, 190.0, 34.0, 46.0
KEY = 50.0  # beside a curve's name: its stroke
LETTER, LINE = 6.6, 18.0
LEAST = 1e-3  # of the largest value: what a logarithmic axis shows as its lowest


@dataclass(frozen=True)
class Line:
    """One curve, (G,) each, with the bounds of its band."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def curves(lines: Sequence[Line], title: str, x_label: str, y_label: str, *, log: bool = False) -> str:
    """Curves with bands, and their names at the right.

    Args:
        log: logarithmic in y; what is too small for that is drawn at the bottom.
    """
    highest = max(max(line.high) for line in lines)
    lowest = min(min(line.low) for line in lines)
    if log:
        positive = [v for line in lines for v in line.y if v > 0]
        highest = max(highest, min(positive, default=1.0))
        lowest = max(min(positive, default=highest / 10), LEAST * highest)
        ticks = _decades(lowest, highest)
        lowest, highest = ticks[0], ticks[-1]
    else:
        ticks = rounded(lowest, highest)
        lowest, highest = min(ticks[0], lowest), max(ticks[-1], highest)
    furthest = max(max(line.x) for line in lines)
    width = WIDTH + max(0.0, KEY + LETTER * max(len(line.name) for line in lines) - RIGHT)
    right = WIDTH - RIGHT

    def across(x: float) -> float:
        return LEFT + (right - LEFT) * x / furthest

    def up(y: float) -> float:
        share = log10(max(y, lowest) / lowest) / log10(highest / lowest) if log else (y - lowest) / (highest - lowest)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    drawn = [_text(LEFT, 20, title, 'font-weight="600"')]
    for tick in ticks:
        drawn += [
            f'<path d="M{LEFT:g} {up(tick):.1f}H{right:g}" stroke="#e2e8f0"/>',
            _text(LEFT - 8, up(tick) + 4, f"{tick:g}", 'text-anchor="end"'),
        ]
    for tick in rounded(0, furthest):
        if tick <= furthest:
            drawn.append(_text(across(tick), HEIGHT - BOTTOM + 18, f"{tick:g}", 'text-anchor="middle"'))
    middle = (LEFT + right) / 2
    drawn.append(_text(middle, HEIGHT - 8, x_label, 'text-anchor="middle"'))
    drawn.append(
        _text(16, (TOP + HEIGHT - BOTTOM) / 2, y_label, 'text-anchor="middle" transform="rotate(-90 16 {y:g})"')
    )
    for place, line in enumerate(lines):
        edge = [*zip(line.x, line.high, strict=True), *reversed([*zip(line.x, line.low, strict=True)])]
        points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in edge)
        drawn.append(f'<polygon points="{points}" fill="{_colour(place)}" opacity="0.13"/>')
    for place, line in enumerate(lines):
        points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in zip(line.x, line.y, strict=True))
        stroke = f'stroke="{_colour(place)}" stroke-width="2" stroke-dasharray="{_dash(place)}"'
        drawn.append(f'<polyline points="{points}" fill="none" {stroke}/>')
        end = f'cx="{across(line.x[-1]):.1f}" cy="{up(line.y[-1]):.1f}" r="3" fill="{_colour(place)}"'
        drawn.append(f"<circle {end}/>")  # of a single cost there is nothing else to see
        x, y = right + 14, TOP + 10 + LINE * place
        drawn += [f'<path d="M{x:g} {y:g}h24" {stroke}/>', _text(x + 30, y + 4, line.name)]
    return framed(width, max(HEIGHT, TOP + LINE * (len(lines) + 1)), drawn)


def ranks(found: Ranking) -> str:
    """A critical-difference diagram: mean ranks on a line, the best at the left; a bar joins those not told apart."""
    count = len(found.names)
    runs = found.alike()
    left, right = LETTER * max(map(len, found.names)) + 70, LETTER * max(map(len, found.names)) + 70
    width, top = max(WIDTH, left + right + 60 * count), 52.0
    below = top + 14 + 9 * len(runs)
    half = (count + 1) // 2
    height = below + LINE * half + 16

    def across(rank: float) -> float:
        return left + (width - left - right) * (rank - 1) / max(1, count - 1)

    drawn = [f'<path d="M{across(1):.1f} {top:g}H{across(count):.1f}" stroke="#334155"/>']
    for rank in range(1, count + 1):
        drawn.append(f'<path d="M{across(rank):.1f} {top - 5:g}v5" stroke="#334155"/>')
        drawn.append(_text(across(rank), top - 9, str(rank), 'text-anchor="middle"'))
    reach = min(across(1 + found.distance), across(count))
    drawn.append(f'<path d="M{across(1):.1f} 22H{reach:.1f}M{across(1):.1f} 18v8M{reach:.1f} 18v8" stroke="#dc2626"/>')
    drawn.append(_text(across(1), 14, f"critical difference {found.distance:.2f}"))
    for place, (name, rank) in enumerate(zip(found.names, found.ranks, strict=True)):
        first = place < half
        y = below + LINE * (place if first else count - 1 - place) + 8
        end, anchor = (left - 10, "end") if first else (width - right + 10, "start")
        drawn.append(f'<path d="M{across(rank):.1f} {top:g}V{y:.1f}H{end:g}" fill="none" stroke="#64748b"/>')
        drawn.append(_text(end + (-4 if first else 4), y + 4, f"{name}  {rank:.2f}", f'text-anchor="{anchor}"'))
    for place, (first, last) in enumerate(runs):
        y = top + 9 + 9 * place
        ends = f"M{across(found.ranks[first]) - 4:.1f} {y:g}H{across(found.ranks[last]) + 4:.1f}"
        drawn.append(f'<path d="{ends}" stroke="#0f172a" stroke-width="4"/>')
    return framed(width, height, drawn)


def rounded(low: float, high: float) -> list[float]:
    """About five round values that reach over what is shown."""
    span = (high - low) or abs(high) or 1.0
    step = 10.0 ** floor(log10(span / 4))
    step *= next(by for by in (1, 2, 5, 10) if span / (step * by) <= 5)
    return [round(n * step, 12) for n in range(floor(low / step), ceil((low + span) / step) + 1)]


def _decades(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 and so on around what is shown; powers of ten alone where those are too many."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 2)
    for steps in ((1, 2, 5), (1,)):
        ticks = [step * 10.0**power for power in powers for step in steps]
        first = max(place for place, tick in enumerate(ticks) if not place or tick <= low)
        last = next(place for place, tick in enumerate(ticks) if tick >= high and place > first)
        if last - first <= 8:
            break
    return ticks[first : last + 1]


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _dash(place: int) -> str:
    return DASHES[place // len(COLOURS) % len(DASHES)]


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="#0f172a" {more.format(y=y)}>{escape(text)}</text>'
