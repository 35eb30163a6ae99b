"""What `torch.vmap` does not know, by the same parameters in operations that it knows: recurrences, bags of n-grams.

One network alone is faster with torch's own; many networks that run as one share the cost of every operation.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.interface import PADDING
from seqwright.nn.stems import Batch, NgramBagStem, WordsAndCharactersStem

Advance = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def _rnn(given: Tensor, repeated: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    return torch.tanh(given + repeated), memory


def _lstm(given: Tensor, repeated: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    enter, keep, value, show = (given + repeated).chunk(4, -1)
    memory = keep.sigmoid() * memory + enter.sigmoid() * value.tanh()
    return show.sigmoid() * memory.tanh(), memory


def _gru(given: Tensor, repeated: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    (reset, keep, value), (again, kept, before) = given.chunk(3, -1), repeated.chunk(3, -1)
    value = torch.tanh(value + (reset + again).sigmoid() * before)
    h = value + (keep + kept).sigmoid() * (memory - value)
    return h, h


ADVANCES: dict[type, Advance] = {nn.RNN: _rnn, nn.LSTM: _lstm, nn.GRU: _gru}


class RecurrentLoop(nn.Module):
    """A one-layer, one-way `nn.RNN` (tanh), `nn.LSTM` or `nn.GRU` by its own parameters and their names.

    (B, T, D) -> all states (B, T, H) and the last, (B, H). States are float32 under autocast too.
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(self, cell: nn.RNNBase) -> None:
        super().__init__()
        self.advance, self.hidden_size = ADVANCES[type(cell)], cell.hidden_size
        for name, parameter in cell.named_parameters():
            self.register_parameter(name, parameter)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = memory = x.new_zeros(x.shape[0], self.hidden_size, dtype=torch.float32)
        states = []
        for given in F.linear(x, self.weight_ih_l0, self.bias_ih_l0).unbind(1):
            h, memory = self.advance(given, F.linear(h, self.weight_hh_l0, self.bias_hh_l0), memory)
            states.append(h)
        return torch.stack(states, 1), h


class WordsAndNgrams(nn.Module):
    """A `WordsAndCharactersStem` that looks up every n-gram and takes the mean, where torch's adds them as it reads."""

    def __init__(self, stem: WordsAndCharactersStem) -> None:
        super().__init__()
        self.words, self.ngrams = stem.words, stem.ngrams

    def forward(self, batch: Batch, side: str = "") -> tuple[Tensor, Tensor]:
        ngrams = batch["word_characters" + side]  # (B, T, K)
        real = (ngrams != PADDING).to(self.ngrams.dtype).unsqueeze(-1)
        mean = (F.embedding(ngrams, self.ngrams) * real).sum(2) / real.sum(2).clamp(min=1)
        return self.words(batch["words" + side]) + mean, batch[f"words{side}.mask"]


def vmappable(module: nn.Module) -> nn.Module | None:
    """A module that does what `module` does by its very parameters; None where that one needs no other.

    Raises: ValueError where none does.
    """
    if isinstance(module, WordsAndCharactersStem):
        return WordsAndNgrams(module)
    if isinstance(module, NgramBagStem):
        raise ValueError("A bag's table is too large to be held many times.")
    if not isinstance(module, nn.RNNBase):
        if not type(module).__module__.startswith(("seqwright.nn.", "torch.nn.")):
            raise ValueError(f"Whether vmap knows all that {type(module).__name__} does, nobody has said.")
        return None
    plain = module.num_layers == 1 and not module.bidirectional and module.bias and not module.proj_size
    if not plain or not module.batch_first or getattr(module, "nonlinearity", "tanh") != "tanh":
        raise ValueError("Only one layer in one direction, with biases and tanh, batch first.")
    return RecurrentLoop(module)
