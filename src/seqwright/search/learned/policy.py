"""A recurrent policy over the questions of any space: it answers them one after the other, as `fill` asks.

Zoph et al. 2018, arXiv:1707.07012: a one-layer LSTM of 100 units, weights drawn from U(-0.1, 0.1), each answer fed into
the next step. Ours differs: the steps are whatever a space asks, so questions that recur (the mixer of every layer)
share their softmax and have a bias each, and a prior is the policy's beginning.
"""

import math
import re
from collections.abc import Sequence
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from seqwright.space.census import questions
from seqwright.space.fill import fill
from seqwright.space.nodes import Answers, Choice, Path, Space
from seqwright.space.prior import Prior

UNITS, SPREAD = 100, 0.1
LEAST = 1e-12  # what the prior forbids has a share of about this, so that its logarithm exists
NEVER = -1e9  # the logit of an option that a question does not have


class Policy(nn.Module):
    """Distributions over answers.

    In double precision: another number of threads may add in another order, which must not change what is drawn.

    Args:
        prior: the distribution to begin with, but for the noise of the first weights.
        seed: of the first weights.
    """

    def __init__(self, space: Space, prior: Prior | None = None, *, seed: int = 0, units: int = UNITS) -> None:
        super().__init__()
        self.space = space
        asked = {path: question for path, question in questions(space).items() if len(question.options) > 1}
        self.places = {path: place for place, path in enumerate(asked)}
        self.most = max((len(question.options) for question in asked.values()), default=1)
        kinds: dict[tuple[Any, ...], int] = {}
        firsts, rows = [], 1  # row 0 is the beginning, before anything is answered
        self.kinds = [kinds.setdefault(_kind(path, question), len(kinds)) for path, question in asked.items()]
        sizes = {kind: len(question.options) for kind, question in zip(self.kinds, asked.values(), strict=True)}
        for kind in range(len(kinds)):
            firsts.append(rows)
            rows += sizes[kind]
        self.first = [firsts[kind] for kind in self.kinds]  # by place: the row of its first option
        self.register_buffer("row", torch.tensor([self._rows(at, q) for at, q in enumerate(asked.values())]))
        self.register_buffer("kind", torch.tensor(self.kinds))
        leans = [_lean(path, question, prior, self.most) for path, question in asked.items()]
        self.register_buffer("lean", torch.tensor(leans, dtype=torch.float64))
        made: dict[str, Any] = {"device": "meta", "dtype": torch.float64}  # drawn below, not from global randomness
        self.asked = nn.Embedding(max(1, len(kinds)), units, **made)
        self.place = nn.Embedding(max(1, len(asked)), units, **made)
        self.answered = nn.Embedding(rows, units, **made)
        self.memory = nn.LSTM(units, units, batch_first=True, **made)
        self.option = nn.Embedding(rows, units, **made)
        self.bias = nn.Embedding(max(1, len(asked)), self.most, **made)
        generator = torch.Generator().manual_seed(seed)
        for module in (self.asked, self.place, self.answered, self.memory, self.option, self.bias):
            module.to_empty(device="cpu")
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-SPREAD, SPREAD, generator=generator)
            self.bias.weight.zero_()

    def _rows(self, place: int, question: Choice) -> list[int]:
        n = len(question.options)
        return [self.first[place] + min(i, n - 1) for i in range(self.most)]

    @torch.no_grad()
    def draw(self, rng: Random) -> Any:
        """A value of the space, each answer drawn from its distribution."""
        state, before = None, 0

        def answer(path: Path, question: Choice) -> int:
            nonlocal state, before
            if (place := self.places.get(path)) is None:
                return 0
            at = torch.tensor([[place]])
            logits, state = self._step(at, torch.tensor([[before]]), state)
            weights = logits[0, 0].softmax(-1).tolist()
            chosen = rng.choices(range(len(question.options)), weights[: len(question.options)])[0]
            before = self.first[place] + chosen
            return chosen

        return fill(self.space, answer)

    def judge(self, episodes: "Sequence[Answers]") -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities of the answers (N, T), entropies of their distributions (N, T), and which count (N, T)."""
        lines = [[(self.places[p], i) for p, i in answers.items() if p in self.places] for answers in episodes]
        longest = max(1, *map(len, lines))
        place = torch.zeros(len(lines), longest, dtype=torch.long)
        chosen, before, counts = (
            torch.zeros_like(place),
            torch.zeros_like(place),
            torch.zeros(place.shape, dtype=torch.bool),
        )
        for n, line in enumerate(lines):
            for t, (at, index) in enumerate(line):
                place[n, t], chosen[n, t], counts[n, t] = at, index, True
                if t + 1 < longest:
                    before[n, t + 1] = self.first[at] + index
        logits, _ = self._step(place, before, None)
        logs = logits.log_softmax(-1)
        taken = logs.gather(-1, chosen[..., None])[..., 0]
        entropy = -(logs.exp() * logs).sum(-1)
        return taken * counts, entropy * counts, counts

    def _step(self, place: Tensor, before: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Logits (N, T, options) of the questions at `place` (N, T), after the answers in the rows `before` (N, T)."""
        kind = self.get_buffer("kind")[place]
        seen, state = self.memory(self.asked(kind) + self.place(place) + self.answered(before), state)
        options = self.option(self.get_buffer("row")[place])
        logits = (options @ seen[..., None])[..., 0] + self.bias(place)
        lean = self.get_buffer("lean")[place]
        return torch.where(lean == NEVER, NEVER, logits + lean), state


def _kind(path: Path, question: Choice) -> tuple[Any, ...]:
    """Equal for questions that differ only in the number of the element they stand in."""
    return re.sub(r"/\d+(?=/|#|$)", "/*", path), question.labels()


def _lean(path: Path, question: Choice, prior: Prior | None, most: int) -> list[float]:
    n = len(question.options)
    weights = (prior.weights(path, question) if prior else None) or [1.0] * n
    return [math.log(max(weight / max(weights), LEAST)) for weight in weights] + [NEVER] * (most - n)
