"""A value for the eye: one line for a leaderboard, a tree for a closer look."""

from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from seqwright.arch.blocks import Skip
from seqwright.arch.candidate import Candidate
from seqwright.arch.cells import Cell, CellNetwork
from seqwright.arch.darts import DARTS, Darts
from seqwright.arch.encoders import AttentionStage, ConvStage, Dense, HeadedEncoder, Pretrained, RecurrentStage
from seqwright.arch.network import Body, Layer, Mlp, Network
from seqwright.arch.recurrent_cells import RecurrentCell
from seqwright.arch.recurrent_graph import GraphCell, plan
from seqwright.arch.supernet import Paths, Supernet
from seqwright.arch.wired import Graph
from seqwright.space.census import size
from seqwright.space.nodes import is_tuple, label


def line(value: Any) -> str:
    """One line: ``words > 2 x [lstm 64 bidirectional + skip] > mean, width 128``. A candidate's recipe is left out."""
    if isinstance(value, Candidate):
        return line(value.architecture)
    if isinstance(value, Network):
        body, head = value.body, value.head
        steps = [_short(value.stem), *_layers(body), _short(value.readout)]
        if head.layers:
            steps.append(_short(head))
        settings = [f"width {body.width}"]
        if body.layers and body.norm != Body.norm:
            settings.append(f"{body.norm} norm" if body.norm != "none" else "no norm")
        if body.layers and body.norm != "none" and body.statistics != Body.statistics:
            settings.append(f"{body.statistics} statistics")
        if value.pairing != Network.pairing:
            settings.append(value.pairing)
        return ", ".join([" > ".join(steps), *settings])
    if isinstance(value, CellNetwork):
        cells = f"{value.repeats} x normal {_short(value.normal)} > reduction {_short(value.reduction)} > ..."
        settings = [f"width {value.width}"] + ([value.pairing] if value.pairing != CellNetwork.pairing else [])
        head = [_short(value.head)] if value.head.layers else []
        return ", ".join([" > ".join([_short(value.stem), cells, _short(value.readout), *head]), *settings])
    if isinstance(value, Supernet):
        return f"supernet of {size(value.architectures):,} networks, {_short(value.training)}"
    return _headed(value) if isinstance(value, HeadedEncoder) else _short(value)


def _headed(value: HeadedEncoder) -> str:
    """``pretrained (tuned 1.0) > 4 x [attention 1] > mean > dense 2 x 39, relu``."""
    stages = (value.attention, value.convolution, value.recurrence)
    steps = [value.stem, *(stage for stage in stages if stage != Skip()), value.readout]
    acts = value.dense.layers > 1 or value.attention != Skip() or value.convolution != Skip()
    settings = ([value.activation] if acts else []) + (["norm"] if value.norm else [])
    if value.pairing != HeadedEncoder.pairing:
        settings.append(value.pairing)
    return ", ".join([" > ".join(map(_short, [*steps, value.dense])), *settings])


def _stage(value: AttentionStage | ConvStage | RecurrentStage) -> str:
    if isinstance(value, AttentionStage):
        one = f"attention {value.heads}"
    elif isinstance(value, ConvStage):
        one = f"conv {value.width} kernel {value.kernel}"
    else:
        one = f"{value.cell} {value.hidden}{' bidirectional' if value.bidirectional else ''}"
    around = " + skip" if isinstance(value, ConvStage) and value.skip else ""
    return (f"{value.layers} x [{one}]" if value.layers > 1 else f"[{one}]") + around


def _layers(body: Any) -> list[str]:
    """Runs of equal layers, each as one step."""
    runs: list[tuple[str, int]] = []
    for layer in body.layers:
        text = _short(layer)
        if runs and runs[-1][0] == text:
            runs[-1] = (text, runs[-1][1] + 1)
        else:
            runs.append((text, 1))
    return [f"{n} x [{text}]" if n > 1 else f"[{text}]" for text, n in runs]


def _short(value: Any) -> str:
    if isinstance(value, Paths):
        return f"{value.rule} paths"
    if isinstance(value, Darts) and value in DARTS.values():
        return next(name for name, known in DARTS.items() if known == value)
    if isinstance(value, Layer):
        return f"{_short(value.mixer)} + {_short(value.channel)}"
    if isinstance(value, Pretrained):
        last = f", last {value.layers} layers" if value.layers > 1 else ""
        return f"pretrained ({_short(value.tuning)}{last})"
    if isinstance(value, AttentionStage | ConvStage | RecurrentStage):
        return _stage(value)
    if isinstance(value, Dense):
        return "linear" if value.layers == 1 else f"dense {value.layers} x {value.width}"
    if isinstance(value, Mlp):
        return "linear" if not value.layers else f"mlp {value.layers} x {value.width}"
    if isinstance(value, RecurrentCell | GraphCell | Cell | Graph):
        return _wired(value)
    if is_tuple(value):
        return " | ".join(map(_short, value))
    if not is_dataclass(value):
        return str(value)
    words = [label(value)]
    for f in fields(value):
        part = getattr(value, f.name)
        if is_dataclass(part) or is_tuple(part):
            words.append(f"({_short(part)})")
        elif isinstance(part, bool) or part is None:
            words += [f.name] if part else []
        elif f.default is MISSING or part != f.default or len(words) == 1:  # the first field says most
            words.append(str(part) if len(words) == 1 else f"{f.name} {part}")
    return " ".join(words)


def _wired(value: RecurrentCell | GraphCell | Cell | Graph) -> str:
    """Who reads whom, in one line; of a `GraphCell` only what is live."""
    if isinstance(value, Cell):
        made = (f"{c.first} {c.one} {'+' if c.join == 'add' else '|'} {c.second} {c.two}" for c in value.combinations)
        return f"({', '.join(made)})"
    if isinstance(value, Graph):
        rows = zip(value.blocks, value.wires(), strict=False)
        made = (f"{_short(w.block)} of {row[0]}{f' + {len(row) - 1} more' if len(row) > 1 else ''}" for w, row in rows)
        return f"graph ({', '.join(made)})"
    both = " bidirectional" if value.bidirectional else ""
    if isinstance(value, RecurrentCell):
        nodes = ", ".join([value.first, *(f"{node.function} {node.source}" for node in value.nodes)])
        return f"recurrent cell {value.hidden}{both} ({nodes}; {value.output})"
    nodes, states = plan(value)
    steps = [f"{name} = {' '.join([operation, *read])}" for name, operation, read in nodes]
    return f"graph cell {value.hidden}{both} ({', '.join(steps)}; {', '.join(f'{h} = {n}' for h, n in states)})"


def tree(value: Any) -> str:
    """Every record on its own line, with its plain fields, indented by lines as a directory tree is."""
    lines = [_head(value)]
    _branches(value, "", lines)
    return "\n".join(lines)


def _head(value: Any) -> str:
    """A record and its plain fields: ``lstm  hidden=64 bidirectional=True``."""
    if not is_dataclass(value):
        return "none" if is_tuple(value) and not value else str(value)
    plain = [f"{f.name}={getattr(value, f.name)}" for f in fields(value) if not _nested(getattr(value, f.name))]
    return "  ".join([label(value), " ".join(plain)]).rstrip()


def _nested(value: Any) -> bool:
    return is_dataclass(value) or is_tuple(value)


def _branches(value: Any, indent: str, lines: list[str]) -> None:
    parts: list[tuple[str, Any]] = []
    if is_tuple(value):
        parts = [(str(i), part) for i, part in enumerate(value)]
    elif is_dataclass(value):
        parts = [(f.name, getattr(value, f.name)) for f in fields(value) if _nested(getattr(value, f.name))]
    for i, (name, part) in enumerate(parts):
        last = i == len(parts) - 1
        head = "" if is_tuple(part) and part else f" {_head(part)}"
        lines.append(f"{indent}{'└── ' if last else '├── '}{name}:{head}")
        _branches(part, indent + ("    " if last else "│   "), lines)
