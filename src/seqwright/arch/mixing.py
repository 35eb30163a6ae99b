"""From a space to its mixture, and from a mixture's weights back to architectures and a prior.

What can be mixed: blocks in a slot (a layer's mixer and channel, a branch, a block of a graph), the recurrent cells of
ENAS and DARTS, and normal and reduction cells. A number within takes its largest value, a number elsewhere its middle
one, a stack its full length, and what else cannot be mixed its first option.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from seqwright.arch.blocks import Parallel
from seqwright.arch.cells import Cell, CellNetwork
from seqwright.arch.mixed import ABSENT, Alternative, Labels, Mixed, MixedCell, MixedRecurrence, Mixture, Node, Weights
from seqwright.arch.network import Layer, Pixels
from seqwright.arch.recurrent_cells import RecurrentCell
from seqwright.arch.supernet import architectures
from seqwright.arch.wired import Wired
from seqwright.errors import SpaceError
from seqwright.space.census import questions
from seqwright.space.fill import answers, fill
from seqwright.space.nodes import Choice, Path, Record, Space, Stack, is_tuple, label

SLOTS: dict[type, Labels] = {Layer: ("mixer", "channel"), Wired: ("block",), Parallel: ("branches",)}
NOTHING = ("skip", "identity", ABSENT, "noise")  # options that compute nothing
COLLAPSED = 0.5  # from which share of such on it is a collapse


def mixture(space: Space, partial: int = 1) -> Any:
    """The architecture in which every question that can be mixed is; paths are those of the space.

    Args:
        space: over architectures, or over candidates, whose recipes play no part.
        partial: one in so many channels passes the operations of a slot or a cell.

    Raises:
        SpaceError: nothing in the space can be mixed.
    """
    mixed = _Mixer(partial).value(*architectures(space))
    if isinstance(mixed, CellNetwork) and isinstance(mixed.stem, Pixels):
        raise SpaceError("Cells on images are not mixed, only those on sequences. Use --strategy evolution.")
    if not any(len(labels) > 1 for part in mixtures(mixed) for labels in part.gates().values()):
        raise SpaceError(
            "Nothing in this space can be mixed. Gradient strategies need a choice of blocks in a layer, normal and "
            "reduction cells, or recurrent cells of ENAS's kind. Use --strategy evolution, or another --space."
        )
    return mixed


def mixtures(value: Any) -> Iterator[Mixture]:
    """The mixtures in an architecture, outer ones first; one path may be met twice."""
    if isinstance(value, Mixed | MixedCell | MixedRecurrence):
        yield value
    if is_tuple(value):
        for part in value:
            yield from mixtures(part)
    elif is_dataclass(value) and not isinstance(value, type):
        for f in fields(value):
            yield from mixtures(getattr(value, f.name))


def derived(space: Space, mixed: Any, weights: Weights, count: int = 4) -> list[tuple[Any, dict[Path, "str | None"]]]:
    """Architectures by their strength, each with what its gates keep: the strongest, then those one decision away.

    Args:
        space: what `mixture` was given.
    """
    rows = [row for part in mixtures(mixed) for row in part.decisions(weights)]
    cheapest = sorted(
        (row[0].strength - other.strength, place, rank)
        for place, row in enumerate(rows)
        for rank, other in enumerate(row)
        if rank
    )
    found: list[tuple[Any, dict[Path, str | None]]] = []
    for changed in [None, *((place, rank) for _, place, rank in cheapest)]:
        chosen = [row[changed[1] if changed and changed[0] == i else 0] for i, row in enumerate(rows)]
        architecture = settled(space, mixed, chosen)
        if all(architecture != other for other, _ in found):  # what a discarded option holds makes no difference
            found.append((architecture, {path: name for one in chosen for path, name in one.kept.items()}))
        if len(found) == count:
            break
    return found


def settled(space: Space, mixed: Any, chosen: list[Alternative]) -> Any:
    """The architecture that these decisions give."""
    given = {path: name for one in chosen for path, name in one.answers.items()}
    slots = tuple(f"{part.path}/" for part in mixtures(mixed) if isinstance(part, Mixed))

    def answer(path: Path, question: Choice) -> int:
        if path in given:
            return question.labels().index(given[path])
        return _usual(path, question, path.startswith(slots))

    inner, root = architectures(space)
    return fill(inner, answer, root)


def prior_of(mixed: Any, weights: Weights) -> dict[Path, dict[str, float]]:
    """The weights of options by question, where there is more than one."""
    rows = [item for part in mixtures(mixed) for item in part.prior(weights).items()]
    return {path: options for path, options in rows if len(options) > 1}


def nothings(space: Space, architecture: Any) -> tuple[int, int]:
    """Of the questions that offer an option which computes nothing, how many chose it, and how many there are."""
    inner, root = architectures(space)
    mixed = mixture(space)
    even = {path: [1.0] * len(labels) for part in mixtures(mixed) for path, labels in part.gates().items()}
    decided, asked = prior_of(mixed, even), questions(inner)
    known = {path: i for path, i in answers(inner, architecture).items() if root + path in decided}
    rows = [(asked[path].labels()[i], asked[path].labels()) for path, i in known.items()]
    offered = [chosen for chosen, labels in rows if set(labels) & set(NOTHING) and set(labels) - set(NOTHING)]
    return sum(chosen in NOTHING for chosen in offered), len(offered)


def collapse(space: Space, architecture: Any) -> str:
    """What to say of an architecture that skips more often than not, nothing of another (Zela et al. 2020)."""
    empty, offered = nothings(space, architecture)
    if not offered or empty <= COLLAPSED * offered:
        return ""
    return (
        f"collapsed onto skips: {empty} of {offered} operations compute nothing. "
        "Try a mend: --strategy fair-darts, r-darts, darts-pt or pc-darts."
    )


class _Mixer:
    """Walks a space; it counts the slots, so that partial ones take different channels."""

    def __init__(self, partial: int) -> None:
        self.partial, self.slots = partial, 0

    def value(self, space: Space, path: Path, slot: bool = False, inside: bool = False) -> Any:
        """The value of a part.

        Args:
            slot: blocks stand here.
            inside: it is part of a mixed option.
        """
        if isinstance(space, Choice):
            if slot and len(space.options) > 1:
                return self._mixed(space, path)
            i = _usual(path, space, inside)
            return self.value(space.options[i], f"{path}/{space.labels()[i]}", slot, inside)
        if isinstance(space, Stack):
            return tuple(self.value(space.element, f"{path}/{i}", slot, inside) for i in range(space.most))
        if is_tuple(space):
            return tuple(self.value(part, f"{path}/{i}", slot, inside) for i, part in enumerate(space))
        if not isinstance(space, Record):
            return space
        parts = dict(space.fields)
        if space.cls is Cell and is_tuple(parts["combinations"]) and questions(space):
            return MixedCell(path, tuple(map(_node, parts["combinations"])), self.partial)
        if space.cls is RecurrentCell and is_tuple(parts["nodes"]) and questions(parts["nodes"]):
            return self._recurrence(parts, path, inside)
        slots = SLOTS.get(space.cls, ())
        return space.cls(**{n: self.value(p, f"{path}/{n}", n in slots, inside) for n, p in parts.items()})

    def _mixed(self, space: Choice, path: Path) -> Mixed:
        place, self.slots = self.slots, self.slots + 1
        options = tuple(
            self.value(option, f"{path}/{name}", True, True)
            for option, name in zip(space.options, space.labels(), strict=True)
        )
        return Mixed(path, space.labels(), options, self.partial, place % self.partial)

    def _recurrence(self, parts: dict[str, Any], path: Path, inside: bool) -> MixedRecurrence:
        nodes = [_open(node) for node in parts["nodes"]]
        return MixedRecurrence(
            path,
            sources=tuple(tuple(map(int, _options(node["source"]))) for node in nodes),
            functions=tuple(_options(node["function"]) for node in nodes),
            first=_options(parts["first"]),
            **{n: self.value(parts[n], f"{path}/{n}", False, inside) for n in ("output", "hidden", "bidirectional")},
        )


def _node(combination: Any) -> Node:
    parts = _open(combination)
    one, two = (tuple(map(int, _options(parts[name]))) for name in ("one", "two"))
    return Node(one, _options(parts["first"]), two, _options(parts["second"]))


def _open(record: Any) -> dict[str, Any]:
    """The fields of a record, open or closed."""
    if isinstance(record, Record):
        return dict(record.fields)
    return {f.name: getattr(record, f.name) for f in fields(record)}


def _options(space: Any) -> Labels:
    return space.labels() if isinstance(space, Choice) else (label(space),)


def _usual(path: Path, question: Choice, inside: bool) -> int:
    """The answer to a question that is not mixed."""
    last = len(question.options) - 1
    if path.endswith("#"):
        return last
    numbers = question.ordered and all(isinstance(option, int | float) for option in question.options)
    return 0 if not numbers else last if inside else (last + 1) // 2
