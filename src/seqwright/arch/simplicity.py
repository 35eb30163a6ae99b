"""How much there is to explain of an architecture: its layers, and the kinds of layers."""

from typing import Any

from seqwright.arch.codec import canonical
from seqwright.space.encode import graph


def simplicity(architecture: Any) -> int:
    """Blocks, plus distinct kinds of them; fewer is simpler. What does nothing is not counted.

    A block is a record that holds no other: a stem, a mixer, a readout, a node of a cell.

    >>> from seqwright.arch.portfolio import portfolio
    >>> simplicity(dict(portfolio("text"))["n-gram bag, linear"].architecture)
    8
    """
    found = graph(canonical(architecture)).nodes
    holders = {node.parent for node in found}
    kinds = [node.kind for i, node in enumerate(found) if i not in holders and node.kind != "skip"]
    return len(kinds) + len(set(kinds))
