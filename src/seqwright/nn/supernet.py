"""A supernet: one bank of weights that holds every architecture of a space (Yu et al. 2020, arXiv:2003.11142).

The bank keeps, for every place in the space and every kind of block that may stand there, the largest parameters.
`select` builds the chosen architecture without weights of its own and runs it on slices of the bank; so outputs and
gradients are those of the stand-alone network with the same weights, by construction.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from seqwright.arch.candidate import Candidate
from seqwright.arch.cells import CellNetwork, Combination
from seqwright.arch.interface import Interface
from seqwright.arch.supernet import architectures
from seqwright.errors import SpaceError
from seqwright.nn.build import build
from seqwright.nn.slices import Layout, cut, laid_out, layout, room, site, window
from seqwright.space.fill import why_not
from seqwright.space.nodes import Choice, Record, Stack
from seqwright.space.pattern import labels

MOST = 2**28  # numbers in a bank: 1 GiB, and three times as much with what an optimiser keeps of them


class Supernet(nn.Module):
    """Every network of a space over one bank of weights; runs the one last selected.

    ``select(architecture)`` returns the supernet, ``forward(batch)`` is that architecture's. Train it with any
    optimiser over `parameters()`; a weight outside the selected slices gets a zero gradient, or none.
    """

    def __init__(self, space: Any, interface: Interface, dropout: float = 0.0) -> None:
        super().__init__()
        self.space, self.interface, self.dropout = architectures(space)[0], interface, dropout
        _refuse_unshared(self.space)
        self.parts = nn.ParameterDict()
        self.statistics = nn.Module()  # buffers: running means and variances
        self.epsilons: dict[str, float] = {}  # of Adam, where a module asks for its own
        self._network: list[nn.Module] = []  # in a list: its weightless parameters are not the supernet's
        self._slices: dict[str, tuple[str, torch.Size, Layout]] = {}
        self._fill_bank()

    def select(self, architecture: Any) -> "Supernet":
        """Become one architecture (or that of a candidate), with its slice of the weights.

        Raises:
            SpaceError: the architecture is not in the space this supernet was built for.
        """
        architecture = architecture.architecture if isinstance(architecture, Candidate) else architecture
        with torch.device("meta"):
            network = build(architecture, self.interface, self.dropout)
        slices = {name: place(architecture, name, tensor) for name, tensor in tensors_of(network)}
        for name, (key, shape, groups) in slices.items():
            if not self._holds(key, room(shape, groups)):
                raise SpaceError(
                    f"The supernet has no weights for {name} {tuple(shape)}: {why_not(self.space, architecture)} "
                    f"Build the supernet from a space that contains this architecture."
                )
        self._network, self._slices = [network], slices
        return self

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        if not self._network:
            raise SpaceError("A supernet runs one architecture at a time. Call select(architecture) first.")
        network = self._network[0].train(self.training)
        tensors = {name: cut(self._bank(key), shape, groups) for name, (key, shape, groups) in self._slices.items()}
        logits = functional_call(network, tensors, (batch,))
        if self.training and self.statistics._buffers:
            self._keep_statistics(tensors)
        return logits

    @torch.no_grad()
    def _keep_statistics(self, tensors: dict[str, Tensor]) -> None:
        """Put back the running means and variances that were cut out as copies."""
        for name, (key, shape, groups) in self._slices.items():
            if key in self.statistics._buffers:
                view, value = window(self.statistics.get_buffer(key), shape, groups), tensors[name]
                if value.data_ptr() != view.data_ptr():
                    view.copy_(value.view_as(view))

    def weights(self, architecture: Any) -> dict[str, Tensor]:
        """A copy of an architecture's weights: the state dict of ``build(architecture, interface)``."""
        before = self._network, self._slices
        slices = self.select(architecture)._slices
        self._network, self._slices = before
        return {
            name: cut(self._bank(key), shape, groups).detach().clone() for name, (key, shape, groups) in slices.items()
        }

    def _fill_bank(self) -> None:
        """Take the initial weights of the largest networks, each place from the largest that has it."""
        tensors: dict[str, Tensor] = {}
        for architecture, keys in _needed(self.space, self.interface):
            network = build(architecture, self.interface)
            own = {id(p): epsilon for part, epsilon in adam_epsilons(network) for p in part.parameters()}
            for name, tensor in tensors_of(network):
                key, _, groups = place(architecture, name, tensor)
                if key in keys:
                    tensors[key] = _grown(tensors.get(key), laid_out(tensor.detach(), groups))
                    self.epsilons |= {key: own[id(tensor)]} if id(tensor) in own else {}
            buffers = {place(architecture, name, b)[0] for name, b in network.named_buffers()}
            for key in buffers & keys:
                self.statistics.register_buffer(key, tensors[key])
        for key, tensor in tensors.items():
            if key not in self.statistics._buffers:
                self.parts[key] = nn.Parameter(tensor)

    def _bank(self, key: str) -> Tensor:
        return self.parts[key] if key in self.parts else self.statistics.get_buffer(key)

    def _holds(self, key: str, spans: list[int]) -> bool:
        if key not in self.parts and key not in self.statistics._buffers:
            return False
        room = self._bank(key).shape
        return len(room) == len(spans) and all(a <= b for a, b in zip(spans, room, strict=True))


def largest(space: Any) -> list[Any]:
    """Architectures that between them have every parameter of the space, each somewhere at its largest.

    A question of numbers is answered by the largest (and by zero, which may change what else is there); every other
    one by each of its options. A record tries all combinations of its plain fields, whatever stands in the others,
    since they decide what the others are made of; parts beside each other do not, so they vary side by side.
    """
    match space:
        case Choice(options=options, ordered=True) if all(isinstance(o, int | float) for o in options):
            return sorted({max(options), *(o for o in options if o == 0)}, reverse=True)
        case Choice(options=options):
            return [value for option in options for value in largest(option)]
        case Record(cls=cls, fields=named) if cls is Combination:  # what an operation has depends on its own state
            parts = {name: largest(inner) for name, inner in named}
            first, second = (
                list(itertools.product(parts[a], parts[b])) for a, b in (("one", "first"), ("two", "second"))
            )
            rows = _side_by_side([first, second, parts["join"]])
            return [Combination(one, f, two, s, join) for (one, f), (two, s), join in rows]
        case Record(cls=cls, fields=named):
            names = [name for name, _ in named]
            columns = {name: largest(inner) for name, inner in named}
            if cls is CellNetwork and isinstance(repeats := dict(named)["repeats"], Choice):
                columns["repeats"] += [min(repeats.options)]  # with one, reductions read other cells than with more
            plain = [name for name in names if not any(map(_structured, columns[name]))]
            others = list(_side_by_side([columns[name] for name in names if name not in plain]))
            parts = [name for name in names if name not in plain]
            return [
                cls(**dict(zip(plain, chosen, strict=True)), **dict(zip(parts, other, strict=True)))
                for chosen in itertools.product(*(columns[name] for name in plain))
                for other in others
            ]
        case Stack(element=element, least=least, most=most):
            return [(value,) * most for value in largest(element)] + ([()] if least == 0 else [])
        case tuple():
            return list(_side_by_side([largest(inner) for inner in space]))
        case _:
            return [space]


@build.register(Choice)
@build.register(Record)
def _(space: Choice | Record, interface: Interface, dropout: float = 0.0) -> nn.Module:
    return Supernet(space, interface, dropout)


def _needed(space: Any, interface: Interface) -> list[tuple[Any, set[str]]]:
    """A few of the largest architectures, and the places for which each has the largest parameter."""
    best: dict[str, dict[tuple[int, ...], int]] = {}  # place -> its largest shapes -> the architecture that has it
    architectures, refused = [], None
    for architecture in largest(space):
        try:
            with torch.device("meta"):
                network = build(architecture, interface)
        except SpaceError as error:  # a combination this interface cannot have
            refused = error
            continue
        for name, tensor in tensors_of(network):
            key, shape, groups = place(architecture, name, tensor)
            spans, known = tuple(room(shape, groups)), best.setdefault(key, {})
            if not any(covers(other, spans) for other in known):
                for other in [o for o in known if covers(spans, o)]:
                    del known[other]
                known[spans] = len(architectures)
        architectures.append(architecture)
    if not architectures:
        raise refused or SpaceError("The space holds no architecture.")
    total = sum(math.prod(map(max, zip(*known, strict=True))) for known in best.values())
    if total > MOST:
        raise SpaceError(
            f"The shared weights of this space are {total:,} numbers, more than the {MOST:,} that a supernet may have. "
            "Narrow its widths, hidden units, layers or repeats; or train every network alone."
        )
    wanted: dict[int, set[str]] = {}
    for key, known in best.items():
        for index in known.values():
            wanted.setdefault(index, set()).add(key)
    return [(architectures[index], keys) for index, keys in sorted(wanted.items())]


def _refuse_unshared(space: Any) -> None:
    """What shares no weights, with the reason.

    A pretrained layer is a start for its own place: sliced, or put in another's, it is worth nothing. The
    heads on it are shared neither: what one reads depends on every stage below, and on kept states each is cheap.
    """
    if "graphcell" in (found := set(labels(space))):
        raise SpaceError(
            "A supernet shares no weights among recurrent graphs, of which most nodes are dead. Search them with "
            "trials of their own, or search the recurrent cells of ENAS and DARTS with shared weights."
        )
    if "headedencoder" in found:
        raise SpaceError(
            "A supernet shares no pretrained encoders and no heads on them. "
            'Leave them out: ban(space, "headedencoder"), or train each head alone on its encoder\'s kept states.'
        )


def adam_epsilons(network: nn.Module) -> Iterator[tuple[nn.Module, float]]:
    """The modules that ask for an epsilon of their own in Adam, with it."""
    for module in network.modules():
        if isinstance(epsilon := getattr(module, "adam_epsilon", None), float):
            yield module, epsilon


def tensors_of(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    return itertools.chain(network.named_parameters(), network.named_buffers())


def place(architecture: Any, name: str, tensor: Tensor) -> tuple[str, torch.Size, Layout]:
    spec, leaf, key = site(architecture, name)
    return key, tensor.shape, layout(spec, leaf, architecture)


def _grown(old: Tensor | None, new: Tensor) -> Tensor:
    if old is None or covers(tuple(new.shape), tuple(old.shape)):
        return new.clone()
    shape = [max(a, b) for a, b in zip(old.shape, new.shape, strict=True)]
    both = new.new_zeros(shape)
    for tensor in (new, old):
        both[tuple(slice(n) for n in tensor.shape)] = tensor
    return both


def covers(large: tuple[int, ...], small: tuple[int, ...]) -> bool:
    return len(large) == len(small) and all(a >= b for a, b in zip(large, small, strict=True))


def _side_by_side(columns: list[list[Any]]) -> Iterator[tuple[Any, ...]]:
    """Rows in which every column's every value appears; short columns begin again."""
    for i in range(max(map(len, columns), default=1)):
        yield tuple(column[i % len(column)] for column in columns)


def _structured(value: Any) -> bool:
    return isinstance(value, tuple) or hasattr(value, "__dataclass_fields__")
