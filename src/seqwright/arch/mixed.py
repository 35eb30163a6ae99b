"""A space as a mixture: in the place of a question, all of its options at once, each with a weight.

`mixture(space)` answers what cannot be mixed and puts a `Mixed` block, cell or recurrence in the place of what can. A
mixture has gates: groups of options, by path, whose weights training finds. `decisions` reads such weights as answers
to the space's questions, best first, so that architectures and a prior for further search can be made of them.
"""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Protocol

from seqwright.space.nodes import Path

Weights = Mapping[Path, Sequence[float]]  # of each gate one an option
Labels = tuple[str, ...]
KEPT = 5  # alternatives of a decision that are remembered
LEAST = 1e-9  # a weight of nothing has a logarithm too
ABSENT = "none"  # the option that is no operation, of which nothing is derived where there is another


@dataclass(frozen=True)
class Alternative:
    """One way to decide.

    Args:
        strength: the sum of the logarithms of its weights.
        answers: the label of the option that it gives each question.
        kept: of each gate the one option that it keeps, None for none.
    """

    strength: float
    answers: dict[Path, str]
    kept: dict[Path, str | None] = field(default_factory=dict[Path, "str | None"])


class Mixture(Protocol):
    """What stands in the place of questions."""

    def gates(self) -> dict[Path, Labels]:
        """Its gates by path, each with the labels of its options."""
        ...

    def decisions(self, weights: Weights) -> list[list[Alternative]]:
        """What is to be decided, each with its best alternatives, best first."""
        ...

    def prior(self, weights: Weights) -> dict[Path, dict[str, float]]:
        """The weights of options by question."""
        ...


@dataclass(frozen=True)
class Mixed:
    """Blocks side by side on one input, their outputs added with weights.

    Args:
        partial: one in so many channels passes them, the others none; `place` says which.
    """

    path: Path
    labels: Labels
    options: tuple[Any, ...]
    partial: int = 1
    place: int = 0

    def gates(self) -> dict[Path, Labels]:
        return {self.path: self.labels}

    def decisions(self, weights: Weights) -> list[list[Alternative]]:
        ranked = sorted(zip(weights[self.path], self.labels, strict=True), key=lambda pair: -pair[0])
        return [[Alternative(_log(w), {self.path: name}, {self.path: name}) for w, name in ranked[:KEPT]]]

    def prior(self, weights: Weights) -> dict[Path, dict[str, float]]:
        return {self.path: dict(zip(self.labels, weights[self.path], strict=True))}


@dataclass(frozen=True)
class Node:
    """A combination of a cell while it is open: the states and operations that either of its two halves may take."""

    one: tuple[int, ...]
    first: Labels
    two: tuple[int, ...]
    second: Labels

    @property
    def edges(self) -> dict[int, Labels]:
        """By state that may be read, the operations on it."""
        either = tuple(dict.fromkeys((*self.first, *self.second)))
        return dict.fromkeys(sorted({*self.one, *self.two}), either)


@dataclass(frozen=True)
class MixedCell:
    """A cell of which every node reads every state before it through every operation (DARTS's supernet).

    Of each node two edges are derived, as published: those whose strongest operation, but for "none", weighs most.

    Args:
        nodes: by combination; `edges`, where given, says the operations of each edge instead (node, state).
        partial: one in so many channels passes the operations; then edges have weights of their own.
    """

    path: Path
    nodes: tuple[Node, ...]
    partial: int = 1
    edges: tuple[tuple[Labels, ...], ...] = ()

    def operations(self, node: int) -> dict[int, Labels]:
        """By state that a node may read, the operations on it."""
        return dict(enumerate(self.edges[node])) if self.edges else self.nodes[node].edges

    def gates(self) -> dict[Path, Labels]:
        found: dict[Path, Labels] = {}
        for i in range(len(self.nodes)):
            edges = self.operations(i)
            found |= {self.edge(i, state): labels for state, labels in edges.items()}
            if self.partial > 1:
                found[self.node(i)] = tuple(map(str, edges))
        return found

    def node(self, i: int) -> Path:
        return f"{self.path}/combinations/{i}"

    def edge(self, i: int, state: int) -> Path:
        return f"{self.node(i)}/edge/{state}"

    def strengths(self, weights: Weights, i: int) -> dict[int, dict[str, float]]:
        """Of each state that node i may read, what each operation on it weighs."""
        edges = self.operations(i)
        scale = weights[self.node(i)] if self.partial > 1 else [1.0] * len(edges)
        return {
            state: {name: w * share for name, w in zip(labels, weights[self.edge(i, state)], strict=True)}
            for (state, labels), share in zip(edges.items(), scale, strict=True)
        }

    def decisions(self, weights: Weights) -> list[list[Alternative]]:
        return [self._decision(weights, i, node) for i, node in enumerate(self.nodes)]

    def _decision(self, weights: Weights, i: int, node: Node) -> list[Alternative]:
        strong = {
            (state, name): _log(w)
            for state, row in self.strengths(weights, i).items()
            for name, w in row.items()
            if name != ABSENT or len(row) == 1
        }
        halves = [
            [key for key in strong if key[0] in states and key[1] in names]
            for states, names in ((node.one, node.first), (node.two, node.second))
        ]
        apart = [(a, b) for a, b in product(*halves) if a[0] != b[0]]
        both = apart or list(product(*halves))  # where only one state may be read, it is read twice
        pairs = {frozenset(pair): pair for pair in reversed(both)}  # of two orders the first
        best = heapq.nlargest(KEPT, pairs.values(), key=lambda pair: strong[pair[0]] + strong[pair[1]])
        closed = dict.fromkeys(self.edge(i, state) for state in self.operations(i))
        return [
            Alternative(
                strong[a] + strong[b],
                self._answers(i, a, b),
                {**closed, self.edge(i, a[0]): a[1], self.edge(i, b[0]): b[1]},
            )
            for a, b in best
        ]

    def _answers(self, i: int, a: tuple[int, str], b: tuple[int, str]) -> dict[Path, str]:
        names = ("one", "first", "two", "second")
        return {f"{self.node(i)}/{n}": str(v) for n, v in zip(names, (*a, *b), strict=True)}

    def prior(self, weights: Weights) -> dict[Path, dict[str, float]]:
        found: dict[Path, dict[str, float]] = {}
        for i, node in enumerate(self.nodes):
            rows = self.strengths(weights, i)
            states = {state: max((w for name, w in row.items() if name != ABSENT), default=LEAST)
                      for state, row in rows.items()}  # fmt: skip
            for which, may, what, names in (("one", node.one, "first", node.first),
                                            ("two", node.two, "second", node.second)):  # fmt: skip
                found[f"{self.node(i)}/{which}"] = {str(state): states[state] for state in may}
                found[f"{self.node(i)}/{what}"] = {
                    name: sum(states[state] * rows[state].get(name, 0.0) for state in may) for name in names
                }
        return found


@dataclass(frozen=True)
class MixedRecurrence:
    """A recurrent cell of which every node reads every one before it through every activation.

    Args:
        sources: of each node behind the first, those that it may read; `functions`: through which activations.
        first: activations of the first node.
    """

    path: Path
    sources: tuple[tuple[int, ...], ...]
    functions: tuple[Labels, ...]
    first: Labels
    output: str
    hidden: int
    bidirectional: bool

    def gates(self) -> dict[Path, Labels]:
        found = {f"{self.path}/first": self.first}
        for i, (sources, names) in enumerate(zip(self.sources, self.functions, strict=True)):
            found |= {self.edge(i, source): names for source in sources}
        return found

    def edge(self, i: int, source: int) -> Path:
        return f"{self.path}/nodes/{i}/edge/{source}"

    def decisions(self, weights: Weights) -> list[list[Alternative]]:
        rows = [Mixed(f"{self.path}/first", self.first, self.first).decisions(weights)[0]]
        for i, (sources, names) in enumerate(zip(self.sources, self.functions, strict=True)):
            strong = {(j, n): w for j in sources for n, w in zip(names, weights[self.edge(i, j)], strict=True)}
            best = heapq.nlargest(KEPT, strong, key=strong.__getitem__)
            closed = dict.fromkeys(self.edge(i, source) for source in sources)
            node = f"{self.path}/nodes/{i}"
            rows.append(
                [
                    Alternative(
                        _log(strong[j, name]),
                        {f"{node}/source": str(j), f"{node}/function": name},
                        {**closed, self.edge(i, j): name},
                    )
                    for j, name in best
                ]
            )
        return rows

    def prior(self, weights: Weights) -> dict[Path, dict[str, float]]:
        found = {f"{self.path}/first": dict(zip(self.first, weights[f"{self.path}/first"], strict=True))}
        for i, (sources, names) in enumerate(zip(self.sources, self.functions, strict=True)):
            rows = {j: weights[self.edge(i, j)] for j in sources}
            found[f"{self.path}/nodes/{i}/source"] = {str(j): max(row) for j, row in rows.items()}
            found[f"{self.path}/nodes/{i}/function"] = {
                name: sum(max(row) * row[k] for row in rows.values()) for k, name in enumerate(names)
            }
        return found


def _log(weight: float) -> float:
    return math.log(max(weight, LEAST))
