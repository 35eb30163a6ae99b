"""An architecture as a drawing: Mermaid text for a document, SVG for a report. Data flows downwards."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass
from html import escape
from itertools import groupby
from typing import Any

from seqwright.arch.blocks import Skip
from seqwright.arch.candidate import Candidate
from seqwright.arch.cells import Cell
from seqwright.arch.encoders import HeadedEncoder
from seqwright.arch.network import Layer
from seqwright.arch.recurrent_graph import GraphCell, alive
from seqwright.space.encode import Node, graph
from seqwright.space.nodes import is_tuple, label

_COLOURS = {
    "#dbeafe": ("rnn", "lstm", "gru", "mingru", "ssm", "recurrentstage", "recurrentcell", "graphcell"),
    "#dcfce7": ("conv", "kernelfeatures", "convstage", "cell", "pool", "lightconv", "branchedconv"),
    "#ffedd5": ("attention", "attentionpool", "cls", "clstoken", "attentionstage", "dconvattention"),
    "#f3e8ff": ("feedforward", "gatedfeedforward", "squaredfeedforward", "gatedlinear", "mlp", "dense"),
    "#fee2e2": ("pretrained", "frozen", "tuned", "lora"),
}
_COLOUR = {kind: colour for colour, kinds in _COLOURS.items() for kind in kinds}
_PLAIN = "#f1f5f9"


def mermaid(architecture: Any) -> str:
    """A Mermaid flowchart, as Markdown viewers draw it; records that hold others are frames."""
    found = graph(_architecture(architecture))
    holders = {node.parent for node in found.nodes}
    lines = ["flowchart TD"]

    def write(parent: int | None, indent: str) -> None:
        for number, node in enumerate(found.nodes):
            if node.parent != parent:
                continue
            if number in holders:
                lines.append(f'{indent}subgraph n{number}["{_caption(node)}"]')
                write(number, indent + "  ")
                lines.append(f"{indent}end")
            else:
                lines.append(f'{indent}n{number}["{_caption(node)}"]')

    write(None, "  ")
    lines += [f"  n{start} --> n{end}" for start, end in found.edges]
    return "\n".join(lines) + "\n"


def _caption(node: Node) -> str:
    text = _words(node.attributes)
    return f"{node.kind}<br/>{text}" if text else node.kind


def _words(attributes: Iterable[tuple[str, Any]]) -> str:
    """Settings in words: ``hidden 64, bidirectional``; what is off goes without saying."""
    said = ((name, value) for name, value in attributes if value is not None and value is not False and value != "")
    return ", ".join(name if value is True else f"{name} {value}" for name, value in said)


def svg(architecture: Any) -> str:
    """A stand-alone SVG drawing. Equal layers in a row are drawn once; a layer's residual stream runs at its right."""
    plan = _plan(_architecture(architecture))
    width, height = plan.width + 2 * _MARGIN, plan.height + 2 * _MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" font-family="system-ui, sans-serif" font-size="12">',
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0 0L8 4L0 8z" fill="#64748b"/></marker></defs>',
            f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
            *plan.draw(_MARGIN, _MARGIN),
            "</svg>",
            "",
        ]
    )


def _architecture(value: Any) -> Any:
    return value.architecture if isinstance(value, Candidate) else value


# Layout: a plan knows its size, and draws itself with its top left corner anywhere. Data enters at the middle of its
# top edge and leaves at the middle of its bottom edge.

_MARGIN, _GAP, _PADDING, _LINE, _LETTER = 16.0, 26.0, 14.0, 16.0, 6.9


@dataclass(frozen=True)
class _Plan:
    width: float
    height: float
    draw: Callable[[float, float], list[str]]


def _plan(value: Any, which: str = "") -> _Plan:
    """The plan of a record: a box, or a frame around what it holds. Of a recurrent graph only what is live.

    Args:
        which: of several of its kind, the normal cell or the reduction.
    """
    value = alive(value) if isinstance(value, GraphCell) else value
    whole: Any = value
    held: list[_Plan] = []
    for f in fields(value):
        part = getattr(value, f.name)
        if is_tuple(part) and part and any(map(_nests, part)):
            if f.metadata.get("flow") == "wired":
                held.append(_wired([_plan(each) for each in part], whole.wires()))
                continue
            side_by_side = f.metadata.get("flow") == "parallel"
            held.append(_row([_plan(each) for each in part]) if side_by_side else _column(_runs(part)))
        elif isinstance(value, Layer):
            held += [] if part == Skip() else [_residual(_plan(part))]
        elif isinstance(value, HeadedEncoder) and part == Skip():
            continue
        elif is_dataclass(part):
            held.append(_plan(part, f.name if isinstance(part, Cell) else ""))
    plain = [(f.name, getattr(value, f.name)) for f in fields(value)]
    text = _words((name, part) for name, part in plain if not is_dataclass(part) and not is_tuple(part))
    if held:
        return _frame(", ".join(filter(None, [f"{which} {label(value)}".strip(), text])), _column(held))
    return _box(label(value), text)


def _nests(part: Any) -> bool:
    return is_dataclass(part) or is_tuple(part)


def _runs(elements: tuple[Any, ...]) -> list[_Plan]:
    """Equal neighbours as one plan each."""
    found: list[_Plan] = []
    for element, run in groupby(elements):
        times = len(list(run))
        found.append(_frame(f"{times} times", _plan(element)) if times > 1 else _plan(element))
    return found


def _box(title: str, text: str) -> _Plan:
    width = max(96.0, _LETTER * max(len(title), len(text)) + 2 * _PADDING)
    height = _LINE * (2 if text else 1) + _PADDING

    def draw(x: float, y: float) -> list[str]:
        middle = x + width / 2
        found = [
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" '
            f'fill="{_COLOUR.get(title, _PLAIN)}" stroke="#475569"/>',
            _text(middle, y + _LINE + 3, title, "#0f172a", 'font-weight="600" text-anchor="middle"'),
        ]
        if text:
            found.append(_text(middle, y + 2 * _LINE + 3, text, "#334155", 'text-anchor="middle"'))
        return found

    return _Plan(width, height, draw)


def _frame(caption: str, inside: _Plan) -> _Plan:
    width = max(inside.width, _LETTER * len(caption)) + 2 * _PADDING
    height = inside.height + 2 * _PADDING + _LINE

    def draw(x: float, y: float) -> list[str]:
        left, top = x + (width - inside.width) / 2, y + _PADDING + _LINE
        middle = x + width / 2
        start = y if 8 + _LETTER * len(caption) < width / 2 else y + _LINE + 6  # not through the caption
        return [
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8" fill="none" '
            'stroke="#94a3b8" stroke-dasharray="4 3"/>',
            _text(x + 8, y + _LINE, caption, "#475569", ""),
            _path(f"M{middle:g} {start:g}V{top:g}", arrow=False),
            *inside.draw(left, top),
            _path(f"M{middle:g} {top + inside.height:g}V{y + height:g}", arrow=False),
        ]

    return _Plan(width, height, draw)


def _column(plans: list[_Plan]) -> _Plan:
    """One after the other."""
    width = max(plan.width for plan in plans)
    height = sum(plan.height for plan in plans) + _GAP * (len(plans) - 1)

    def draw(x: float, y: float) -> list[str]:
        found: list[str] = []
        for i, plan in enumerate(plans):
            if i:
                found.append(_path(f"M{x + width / 2:g} {y - _GAP:g}V{y:g}"))
            found += plan.draw(x + (width - plan.width) / 2, y)
            y += plan.height + _GAP
        return found

    return _Plan(width, height, draw)


def _wired(plans: list[_Plan], wires: tuple[tuple[int, ...], ...]) -> _Plan:
    """One beneath the other in order, with a line from whatever each reads; 0 is the way in, the last the way out."""
    column = max(plan.width for plan in plans)
    edges = [(source + 1, target + 1) for target, row in enumerate(wires) for source in dict.fromkeys(row)]
    bends = [_GAP + 10 * (end - start) for start, end in edges if end - start > 1]
    width = column + 2 * 0.75 * max(bends, default=0)  # a curve reaches three quarters of the way to its handles
    height = sum(plan.height for plan in plans) + _GAP * (len(plans) + 1)

    def draw(x: float, y: float) -> list[str]:
        middle = x + width / 2
        places = [(middle, y, y)]  # right edge, top and bottom
        found: list[str] = []
        top = y + _GAP
        for plan in plans:
            places.append((middle + plan.width / 2, top, top + plan.height))
            found += plan.draw(middle - plan.width / 2, top)
            top += plan.height + _GAP
        places.append((middle, y + height, y + height))
        for start, end in edges:
            (right, upper, bottom), (edge, begin, lower) = places[start], places[end]
            if end - start == 1:
                found.append(_path(f"M{middle:g} {bottom:g}V{begin:g}"))
            else:
                bend = _GAP + 10 * (end - start)
                a, b = (upper + bottom) / 2, (begin + lower) / 2
                right, edge = (middle + column / 2 if at == middle else at for at in (right, edge))  # beside the boxes
                begun = f"M{middle:g} {a:g}H{right:g}" if start == 0 else f"M{right:g} {a:g}"
                curve = f"C{right + bend:g} {a:g} {edge + bend:g} {b:g} {edge:g} {b:g}"
                found.append(_path(begun + curve + (f"H{middle:g}" if end == len(plans) + 1 else "")))
        return found

    return _Plan(width, height, draw)


def _row(plans: list[_Plan]) -> _Plan:
    """Side by side: one input for all, one output of all."""
    width = sum(plan.width for plan in plans) + _PADDING * (len(plans) - 1)
    tallest = max(plan.height for plan in plans)
    height = tallest + 2 * _GAP

    def draw(x: float, y: float) -> list[str]:
        middle, top, bottom = x + width / 2, y + _GAP, y + height
        found: list[str] = []
        for plan in plans:
            centre = x + plan.width / 2
            found.append(_path(f"M{middle:g} {y:g}L{centre:g} {top:g}"))
            found += plan.draw(x, top)
            found.append(_path(f"M{centre:g} {top + plan.height:g}L{middle:g} {bottom:g}", arrow=False))
            x += plan.width + _PADDING
        return found

    return _Plan(width, height, draw)


def _residual(inside: _Plan) -> _Plan:
    """What is added to the stream that runs past it."""
    side = 22.0
    width, height = inside.width + 2 * side, inside.height + 2 * _LINE + 10

    def draw(x: float, y: float) -> list[str]:
        middle, right, plus = x + width / 2, x + width - side / 2, y + height - 9
        top = y + _LINE
        return [
            _path(f"M{middle:g} {y:g}V{top:g}"),
            *inside.draw(x + side, top),
            _path(f"M{middle:g} {top + inside.height:g}V{plus - 9:g}"),
            _path(f"M{middle:g} {y + 5:g}H{right:g}V{plus:g}H{middle + 9:g}"),
            f'<circle cx="{middle:g}" cy="{plus:g}" r="8" fill="#ffffff" stroke="#64748b"/>',
            _text(middle, plus + 4, "+", "#334155", 'text-anchor="middle"'),
        ]

    return _Plan(width, height, draw)


def _path(d: str, arrow: bool = True) -> str:
    marker = ' marker-end="url(#arrow)"' if arrow else ""
    return f'<path d="{d}" fill="none" stroke="#64748b"{marker}/>'


def _text(x: float, y: float, text: str, colour: str, more: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}" {more}>{escape(text)}</text>'
