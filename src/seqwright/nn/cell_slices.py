"""How networks of normal and reduction cells share weights: by the cell's place, combination, state and operation.

As in ENAS (Pham et al. 2018, arXiv:1802.03268). What reads a whole cell has units for each of its states, of which a
network takes those that its own cell leaves unread. Ours differs: places count from the last reduction, so that
networks of more and of fewer repeats share too, and widths are sliced.
"""

from seqwright.arch.cells import Cell, CellNetwork, unread
from seqwright.arch.network import AttentionPool
from seqwright.nn.slices import Groups, Layout, inputs_of_head, key_of, layout


def places(whole: CellNetwork) -> list[tuple[int, int]]:
    """(reductions before or at it, place since the last of them) of every cell."""
    return [(part, i) for part in range(whole.reductions + 1) for i in range(whole.repeats + (part > 0))]


def states(cell: Cell) -> Groups:
    """The states that are a cell's output, of all that it has."""
    return Groups(unread(cell), len(cell.combinations) + 2)


def _cell(whole: CellNetwork, number: int) -> tuple[str, Cell] | None:
    """The kind of the cell of that number; None for the stem before the first."""
    if number < 0:
        return None
    part, place = places(whole)[number]
    return ("reduction", whole.reduction) if part and not place else ("normal", whole.normal)


def _read(whole: CellNetwork, number: int, where: str) -> tuple[str, Cell] | None:
    """What the input `where` of a cell comes from."""
    return _cell(whole, number - (2 if where == "older" else 1))


@key_of.register
def _(whole: CellNetwork, name: str) -> str:
    top, *rest = name.split(".")
    if top != "cells":
        return ""
    number, where, *rest = rest
    part, place = places(whole)[int(number)]
    if where in ("older", "last"):
        read = _read(whole, int(number), where)
        where += f"-of-{read[0] if read else 'stem'}"
    elif where in ("first", "second"):
        kind = _cell(whole, int(number))
        assert kind is not None
        made = kind[1].combinations[int(rest[0])]
        state, operation = (made.one, made.first) if where == "first" else (made.two, made.second)
        rest[0] += f"/{operation}-of-{state}"
    return "/".join(["cells", str(part), str(place), where, *rest])


@layout.register
def _(spec: CellNetwork, name: str, whole: CellNetwork) -> Layout:
    top, number, where, *rest = name.split(".")
    kind = _cell(whole, int(number))
    assert top == "cells" and kind is not None
    if "norm" in rest:
        return (2,) if _halves(whole, int(number), where, rest, kind[1]) else ()
    if where in ("older", "last"):
        read = _read(whole, int(number), where)
        return (1, states(read[1])) if read else ()
    return (1, 2) if where == "joins" else ()


def _halves(whole: CellNetwork, number: int, where: str, rest: list[str], cell: Cell) -> bool:
    """Whether the units come from the even and the odd steps, half from each."""
    if where == "older":
        before = _cell(whole, number - 1)
        return before is not None and before[0] == "reduction"
    if where in ("first", "second"):
        return getattr(cell.combinations[int(rest[0])], where) == "identity"
    return where == "reductions"


@layout.register
def _(spec: AttentionPool, name: str, whole: object) -> Layout:
    if not isinstance(whole, CellNetwork):
        return ()
    left = states(whole.normal)
    return (left, left) if name == "key.weight" else (left,)


@inputs_of_head.register
def _(whole: CellNetwork) -> Groups:
    left, copies = states(whole.normal), 4 if whole.pairing == "compared" else 1
    return Groups(tuple(copy * left.of + state for copy in range(copies) for state in left.chosen), copies * left.of)
