"""A policy over an architecture's graph: for every operation in it, how likely it is to become each other one.

Guo et al. 2019 (arXiv:1910.14488): a node is described by the embeddings (100 each) of its two operations, a linear map
to 1024 units and two graph convolutions (Kipf & Welling 2017, arXiv:1609.02907) of 100 follow, then logits for each of
the two. Ours differs: the graph is any architecture's data flow, a node may have one operation or none, and an
operation's logits are over the vocabulary of the space, of which those count that it may become, with a bias for each
place, as it is one architecture above all that is to be rewritten.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from seqwright.space.census import questions
from seqwright.space.encode import graph
from seqwright.space.fill import answers
from seqwright.space.nodes import Answers, Choice, Path, Space
from seqwright.space.pattern import labels

EMBEDDING, WIDE, UNITS = 100, 1024, 100
SLOTS = 2  # operations of a node


@dataclass(frozen=True)
class Slot:
    """An operation of a node: the question that it answers, and which options it may become."""

    path: Path
    node: int
    place: int
    words: tuple[int, ...]  # of the options in the vocabulary
    allowed: tuple[int, ...]


@dataclass(frozen=True)
class Sites:
    """A value as the policy sees it: words (N, 2), the normalised adjacency (N, N), and what may change."""

    words: Tensor
    adjacency: Tensor
    slots: tuple[Slot, ...]


class GraphPolicy(nn.Module):
    """Logits over what each operation of a value may become.

    In double precision: another number of threads may add in another order, which must not change what is drawn. It
    begins with even odds.
    """

    def __init__(self, space: Space, *, seed: int = 0) -> None:
        super().__init__()
        self.space = space
        self.asked = {path: question for path, question in questions(space).items() if is_operation(question)}
        known = [*labels(space), *(name for question in self.asked.values() for name in question.labels())]
        self.words = {word: number for number, word in enumerate(dict.fromkeys(known), 1)}  # 0: any other, or none
        made: dict[str, Any] = {"device": "meta", "dtype": torch.float64}  # drawn below, not from global randomness
        self.embedding = nn.Embedding(len(self.words) + 1, EMBEDDING, **made)
        self.enter = nn.Linear(SLOTS * EMBEDDING, WIDE, **made)
        self.first, self.second = nn.Linear(WIDE, UNITS, **made), nn.Linear(UNITS, UNITS, **made)
        self.leave = nn.Linear(UNITS, SLOTS * (len(self.words) + 1), **made)
        self.numbers = {path: number for number, path in enumerate(self.asked)}
        most = max((len(question.options) for question in self.asked.values()), default=1)
        self.bias = nn.Embedding(max(1, len(self.asked)), most, **made)
        self.to_empty(device="cpu")
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.parameters():
                bound = 1 / math.sqrt(parameter.shape[-1])
                parameter.uniform_(-bound, bound, generator=generator)
            for parameter in (self.leave.weight, self.leave.bias, self.bias.weight):
                parameter.zero_()

    def forward(self, sites: Sites) -> Tensor:
        """Logits (N, 2, V) of every word for each operation of each node."""
        x = torch.relu(self.enter(self.embedding(sites.words).flatten(1)))
        for convolution in (self.first, self.second):
            x = torch.relu(sites.adjacency @ convolution(x))
        return self.leave(x).unflatten(1, (SLOTS, -1))

    def logs(self, sites: Sites) -> list[Tensor]:
        """Log-probabilities of the allowed options of each slot, in their order."""
        logits, bias = self(sites), self.bias.weight
        found: list[Tensor] = []
        for slot in sites.slots:
            allowed = list(slot.allowed)
            own = logits[slot.node, slot.place, [slot.words[i] for i in allowed]]
            found.append((own + bias[self.numbers[slot.path], allowed]).log_softmax(0))
        return found

    def sites(self, value: Any) -> Sites:
        """What the policy sees of a value of the space."""
        drawn = graph(value)
        leaves = [i for i, node in enumerate(drawn.nodes) if not any(n.parent == i for n in drawn.nodes)]
        place = {drawn.nodes[i].path: number for number, i in enumerate(leaves)}
        words = torch.zeros(len(leaves), SLOTS, dtype=torch.long)
        for number in place.values():
            words[number, 0] = self.words.get(drawn.nodes[leaves[number]].kind, 0)
        slots: list[Slot] = []
        taken = [0] * len(leaves)
        for path, index in answers(self.space, value).items():
            node = _within(path, place)
            if path not in self.asked or node is None or taken[node] == SLOTS:
                continue
            question = self.asked[path]
            options = tuple(self.words[name] for name in question.labels())
            slots.append(Slot(path, node, taken[node], options, cheaper(question, index)))
            words[node, taken[node]] = options[index]
            taken[node] += 1
        at = {i: number for number, i in enumerate(leaves)}
        return Sites(words, _adjacency(len(leaves), [(at[a], at[b]) for a, b in drawn.edges]), tuple(slots))


def is_operation(question: Choice) -> bool:
    """Whether a question is one that the policy may answer anew: no option of it asks anything more."""
    return len(question.options) > 1 and not any(questions(option) for option in question.options)


def cheaper(question: Choice, index: int) -> tuple[int, ...]:
    """The options that cost no more than that of `index`: itself and those after it, or below it on a scale."""
    return tuple(range(index + 1)) if question.ordered else tuple(range(index, len(question.options)))


def changed(known: Answers, slots: Sequence[Slot], chosen: Sequence[int]) -> Answers:
    """The answers `known` with the `chosen` ones of each slot's allowed options."""
    return known | {slot.path: slot.allowed[i] for slot, i in zip(slots, chosen, strict=True)}


def _within(path: Path, place: dict[Path, int]) -> int | None:
    """The node at `path`, or the one that holds it."""
    while path and path not in place:
        path = path.rpartition("/")[0]
    return place.get(path)


def _adjacency(n: int, edges: Sequence[tuple[int, int]]) -> Tensor:
    """D^-1/2 (A + I) D^-1/2 of the graph without directions."""
    joined = torch.eye(n, dtype=torch.float64)
    for a, b in edges:
        joined[a, b] = joined[b, a] = 1.0
    scale = joined.sum(1).rsqrt()
    return scale[:, None] * joined * scale
