"""A recurrent cell as a graph of elementary operations, in which Elman's RNN, LSTM and GRU are points.

Names say who reads whom: "x" is the input, "h1" to "h3" are the last states, "n1", "n2", ... the nodes in order. What
the new state "h1", which is the output, does not depend on is dead: it stays in the value, as genes that say nothing,
and is neither built nor counted (as in Cartesian genetic programming: Miller & Thomson 2000).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_args

from seqwright.arch.kinds import kind
from seqwright.errors import SpaceError
from seqwright.space.nodes import Choice, Record, Space, among, one_of, vary

STATES = 3


@kind
@dataclass(frozen=True)
class LinearNode:
    """The sum of a linear map of each source, and a bias. Only a linear node may read the input."""

    one: str
    two: str | None = None
    three: str | None = None


@kind
@dataclass(frozen=True)
class BlendNode:
    """gate * one + (1 - gate) * two."""

    gate: str
    one: str
    two: str


@kind
@dataclass(frozen=True)
class ProductNode:
    """one * two."""

    one: str
    two: str


@kind
@dataclass(frozen=True)
class SumNode:
    """one + two."""

    one: str
    two: str


@kind
@dataclass(frozen=True)
class ActivationNode:
    """A function of one source: tanh, sigmoid or a leaky relu."""

    one: str
    function: str = among("tanh", "sigmoid", "leaky_relu", ordered=False)


Node = LinearNode | BlendNode | ProductNode | SumNode | ActivationNode


@kind
@dataclass(frozen=True)
class GraphCell:
    """A recurrence drawn node by node (Klyuchnikov et al. 2020, arXiv:2006.07116).

    `states` names what becomes h1, h2, ...; h1 is the output. Ours differs from NAS-Bench-NLP in that the input is
    read by linear nodes alone, so the cell's width is free.
    """

    nodes: tuple[Any, ...] = field(metadata={"flow": "wired"})
    states: tuple[str, ...]
    hidden: int = among(32, 64, 128, 256, default=128)
    bidirectional: bool = among(False, True, ordered=False)

    def wires(self) -> tuple[tuple[int, ...], ...]:
        """The nodes that each reads, -1 for the input and the last states; last, the output."""
        read = (*map(sources, self.nodes), self.states[:1])
        return tuple(tuple(dict.fromkeys(_place(name) for name in names)) for names in read)


def _place(name: str) -> int:
    return int(name[1:]) - 1 if name.startswith("n") else -1


def graph_cells(nodes: int, **fixed: Any) -> Record:
    """The space of graphs of so many nodes and three states, other fields open unless `fixed`."""
    places = tuple(_node(i) for i in range(nodes))
    made = [f"n{i + 1}" for i in range(nodes)]
    states = (Choice(tuple(made)), *[Choice((*_old(), *made))] * (STATES - 1))
    return vary(GraphCell, nodes=places, states=states, **fixed)


def _node(number: int) -> Space:
    known = (*_old(), *(f"n{i + 1}" for i in range(number)))
    one, read, more = Choice(known), Choice(("x", *known)), Choice((None, "x", *known))
    return one_of(
        vary(LinearNode, one=read, two=more),
        vary(BlendNode, gate=one, one=one, two=one),
        vary(ProductNode, one=one, two=one),
        vary(SumNode, one=one, two=one),
        vary(ActivationNode, one=one),
    )


def _old(states: int = STATES) -> list[str]:
    return [f"h{i + 1}" for i in range(states)]


def sources(node: Node) -> tuple[str, ...]:
    """What a node reads, a source named twice once for a linear node."""
    named = [getattr(node, f.name) for f in fields(node) if f.name != "function"]
    found = [name for name in named if name is not None]
    return tuple(dict.fromkeys(found)) if isinstance(node, LinearNode) else tuple(found)


def live(cell: GraphCell) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The nodes, in order, and the states, that the output depends on, at this step or through later ones.

    Raises:
        SpaceError: a node reads itself, a later one or an unknown name, or something that is no node.
    """
    _check(cell)
    nodes, states = set[int](), set[int]()
    waiting = ["h1'"]  # the new h1
    while waiting:
        name = waiting.pop()
        if name.endswith("'"):
            waiting.append(cell.states[int(name[1:-1]) - 1])
        elif name[0] == "h" and int(name[1:]) - 1 not in states:
            states.add(int(name[1:]) - 1)
            waiting.append(f"{name}'")
        elif name[0] == "n" and int(name[1:]) - 1 not in nodes:
            nodes.add(int(name[1:]) - 1)
            waiting += sources(cell.nodes[int(name[1:]) - 1])
    return tuple(sorted(nodes)), tuple(sorted(states))


def _check(cell: GraphCell) -> None:
    if not cell.states:
        raise SpaceError('A graph cell needs a state: name the node that becomes it, as in states=("n2",).')
    old = _old(len(cell.states))
    for i, node in enumerate(cell.nodes):
        if not isinstance(node, get_args(Node)):
            kinds = ", ".join(cls.__name__ for cls in get_args(Node))
            raise SpaceError(f"Node n{i + 1} of a graph cell is {node!r}. Use one of: {kinds}.")
        known = [*(["x"] if isinstance(node, LinearNode) else []), *old, *(f"n{k + 1}" for k in range(i))]
        if wrong := [name for name in sources(node) if name not in known]:
            why = " Only a LinearNode reads the input." if wrong[0] == "x" else ""
            raise SpaceError(f'Node n{i + 1} reads "{wrong[0]}".{why} It can read: {", ".join(known)}.')
    known = [*old, *(f"n{i + 1}" for i in range(len(cell.nodes)))]
    if wrong := [name for name in cell.states if name not in known]:
        raise SpaceError(f'A state of a graph cell becomes "{wrong[0]}". It can become: {", ".join(known)}.')


def plan(cell: GraphCell) -> tuple[tuple[tuple[str, str, tuple[str, ...]], ...], tuple[tuple[str, str], ...]]:
    """What is live: (name, operation, sources) of each node in order, and (name, what becomes it) of each state.

    Raises:
        SpaceError: see `live`.
    """
    nodes, states = live(cell)
    steps = tuple((f"n{i + 1}", _operation(cell.nodes[i]), sources(cell.nodes[i])) for i in nodes)
    return steps, tuple((f"h{i + 1}", cell.states[i]) for i in sorted({0, *states}))


def _operation(node: Node) -> str:
    return node.function if isinstance(node, ActivationNode) else type(node).__name__.removesuffix("Node").lower()


def alive(cell: GraphCell) -> GraphCell:
    """The same cell without what is dead, its nodes and states numbered anew."""
    nodes, states = live(cell)
    kept = sorted({0, *states})
    names: dict[Any, Any] = {f"n{old + 1}": f"n{new + 1}" for new, old in enumerate(nodes)}
    names |= {f"h{old + 1}": f"h{new + 1}" for new, old in enumerate(kept)} | {"x": "x", None: None}
    shorter = tuple(
        replace(cell.nodes[i], **{f.name: names[getattr(cell.nodes[i], f.name)] for f in fields(cell.nodes[i])
                                  if f.name != "function"})
        for i in nodes
    )  # fmt: skip
    return replace(cell, nodes=shorter, states=tuple(names[cell.states[i]] for i in kept))


def padded(cell: GraphCell, nodes: int) -> GraphCell:
    """The same cell with dead nodes and states, as a member of ``graph_cells(nodes)`` has them.

    Raises:
        SpaceError: it has more nodes or states than there are places.
    """
    if len(cell.nodes) > nodes or len(cell.states) > STATES:
        raise SpaceError(f"{len(cell.nodes)} nodes and {len(cell.states)} states; there are {nodes} and {STATES}.")
    dead = (ActivationNode("h1", "tanh"),) * (nodes - len(cell.nodes))
    return replace(cell, nodes=(*cell.nodes, *dead), states=(*cell.states, *_old()[len(cell.states) :]))


# Well-known cells --------------------------------------------------------------------------------


def rnn_cell(**more: Any) -> GraphCell:
    """h' = tanh(W x + U h + b) (Elman 1990)."""
    return GraphCell((LinearNode("x", "h1"), ActivationNode("n1", "tanh")), ("n2",), **more)


def lstm_cell(**more: Any) -> GraphCell:
    """c' = f * c + i * g, h' = o * tanh(c') (Hochreiter & Schmidhuber 1997), with h1 = h and h2 = c."""
    gates = (LinearNode("x", "h1"),) * 4  # input, forget, cell, output, as torch orders them
    acts = tuple(ActivationNode(f"n{i + 1}", "tanh" if i == 2 else "sigmoid") for i in range(4))  # n5 .. n8
    cell = (ProductNode("n6", "h2"), ProductNode("n5", "n7"), SumNode("n9", "n10"))
    return GraphCell(
        (*gates, *acts, *cell, ActivationNode("n11", "tanh"), ProductNode("n8", "n12")), ("n13", "n11"), **more
    )


def gru_cell(**more: Any) -> GraphCell:
    """h' = z * h + (1 - z) * tanh(W x + r * (U h + b)) (Cho et al. 2014, arXiv:1406.1078), as torch has it."""
    gates = (LinearNode("x", "h1"), LinearNode("x", "h1"))  # reset, update
    acts = (ActivationNode("n1", "sigmoid"), ActivationNode("n2", "sigmoid"))
    new = (LinearNode("x"), LinearNode("h1"), ProductNode("n3", "n6"), SumNode("n5", "n7"))
    return GraphCell((*gates, *acts, *new, ActivationNode("n8", "tanh"), BlendNode("n4", "h1", "n9")), ("n10",), **more)


# NAS-Bench-NLP's notation ------------------------------------------------------------------------

_ACTIVATIONS = {"activation_tanh": "tanh", "activation_sigm": "sigmoid", "activation_leaky_relu": "leaky_relu"}
_OTHERS = {"linear": LinearNode, "blend": BlendNode, "elementwise_prod": ProductNode, "elementwise_sum": SumNode}


def from_recipe(recipe: "Mapping[str, Mapping[str, Any]]", **more: Any) -> GraphCell:
    """The cell of a NAS-Bench-NLP recipe: ``{"f": {"op": "linear", "input": ["x", "h_prev_0"]}, ...}``.

    Raises:
        SpaceError: an unknown operation, an input that is nowhere, or nodes that read each other in a circle.
    """
    names = {"x": "x"} | {f"h_prev_{i}": f"h{i + 1}" for i in range(len(recipe))}
    nodes: list[Any] = []
    while len(nodes) < len(recipe):
        ready = [n for n, made in recipe.items() if n not in names and all(i in names for i in made["input"])]
        if not ready:
            stuck = ", ".join(n for n in recipe if n not in names)
            raise SpaceError(f"The recipe has nodes that cannot be made in any order: {stuck}. Check their inputs.")
        for name in ready:
            nodes.append(_from_op(recipe[name]["op"], [names[i] for i in recipe[name]["input"]]))
            names[name] = f"n{len(nodes)}"
    count = sum(f"h_new_{i}" in recipe for i in range(len(recipe)))
    return GraphCell(tuple(nodes), tuple(names[f"h_new_{i}"] for i in range(count)), **more)


def _from_op(op: str, given: "Sequence[str]") -> Any:
    if op in _ACTIVATIONS:
        return ActivationNode(given[0], _ACTIVATIONS[op])
    if op not in _OTHERS:
        raise SpaceError(f'The operation "{op}" is not known. Use one of: {", ".join([*_OTHERS, *_ACTIVATIONS])}.')
    return _OTHERS[op](*given)
