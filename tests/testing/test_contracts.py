"""Our own strategies, blocks and tasks keep the contracts; and each contract finds the ones that do not."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
import torch
from torch import nn

import seqwright.testing
from seqwright.arch.blocks import Attention, Conv, FeedForward, GatedFeedForward, Gru, Lstm, MinGru, Rnn, Skip, Ssm
from seqwright.arch.codec import identity
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.data.examples import Examples
from seqwright.nn.build import block
from seqwright.search.evolution import Evolution
from seqwright.search.halving import Asha, Halving, ladder
from seqwright.search.random_search import RandomSearch
from seqwright.space.moves import sample
from seqwright.study.record import Proposal
from seqwright.tasks.registry import task_of
from seqwright.testing.block import check_block
from seqwright.testing.strategy import check_strategy
from seqwright.testing.task import check_task

SPACE = named("tiny")
STRATEGIES = {
    "random": lambda: RandomSearch(SPACE, seed=1),
    "evolution": lambda: Evolution(SPACE, seed=1, population=10, sample=3, crossover=0.5),
    "portfolio": lambda: Evolution(named("text"), seed=2, population=8, sample=2, portfolio=portfolio("text")),
    "halving": lambda: Halving(RandomSearch(SPACE, seed=1), ladder(900)),
    "asha": lambda: Asha(Evolution(SPACE, seed=1, population=10, sample=3), ladder(900)),
}


def test_checks_are_found_by_name():
    assert seqwright.testing.__all__ == ["check_block", "check_executor", "check_strategy", "check_task"]
    assert seqwright.testing.check_block is check_block
    with pytest.raises(AttributeError):
        _ = seqwright.testing.check_nothing


@pytest.mark.parametrize("name", STRATEGIES)
def test_strategies_keep_the_contract(name):
    check_strategy(STRATEGIES[name], named("text") if name == "portfolio" else SPACE, trials=40)


class Sloppy(RandomSearch):
    def ask(self, n):
        return [Proposal(sample(self.space, self.rng()), why="drawn") for _ in range(n)]


class Unseeded(Sloppy):
    def rng(self):
        return Random()  # another one each time


class Greedy(RandomSearch):
    def ask(self, n):
        return super().ask(n + 1)


class Fragile(RandomSearch):
    def tell(self, trials):
        assert all(t.score > -1 for t in trials), "cannot bear failures"


class Repeating(RandomSearch):
    def ask(self, n):
        self.first = getattr(self, "first", None) or super().ask(1)
        return self.first if n else []


class Remembering(RandomSearch):
    """Knows its own proposals by the object, which no resumed search can give it."""

    mine = ()
    moved = 0

    def ask(self, n):
        asked = super().ask(n)
        self.mine = [*self.mine, *(p.candidate.architecture for p in asked)]
        return asked

    def tell(self, trials):
        self.moved += sum(any(t.proposal.candidate.architecture is one for one in self.mine) for t in trials)

    def draw(self, attempt):
        return replace(super().draw(attempt + self.moved), why=f"after {self.moved}")


class Impatient(RandomSearch):
    """Takes for granted that news come in the order of the numbers."""

    heard = -1

    def tell(self, trials):
        for trial in trials:
            assert trial.proposal.number >= self.heard, "too late"
            self.heard = trial.proposal.number


class Faithful(RandomSearch):
    """Believes that only its own trials are told."""

    asked: frozenset[str] = frozenset()

    def ask(self, n):
        found = super().ask(n)
        self.asked |= {identity(p.candidate) for p in found}
        return found

    def tell(self, trials):
        assert {identity(t.proposal.candidate) for t in trials} <= self.asked, "never asked for"


class Restless(RandomSearch):
    """Waits for news, until it is asked once too often."""

    under_way = vain = 0

    def ask(self, n):
        self.vain = self.vain + 1 if self.under_way and n else 0
        found = [] if 0 < self.vain < 3 else super().ask(min(n, 1))
        self.under_way += len(found)
        return found

    def tell(self, trials):
        self.under_way -= len(trials)


class Deaf(RandomSearch):
    def ban(self, pattern):
        pass


class Proud(RandomSearch):
    def tell(self, trials):
        assert not any(abs(t.score) > 1e9 for t in trials if not t.failed), "cannot be"


@pytest.mark.parametrize(
    ("strategy", "complaint"),
    [
        (lambda: Repeating(SPACE), "the same trial as number 0"),
        (lambda: Remembering(SPACE), "resumed, it proposes another number"),
        (lambda: Restless(SPACE), "it has something to propose after all"),
        (lambda: Impatient(SPACE), "too late"),
        (lambda: Faithful(SPACE), "never asked for"),
        (lambda: Deaf(SPACE), "is banned, and proposal"),
        (lambda: Proud(SPACE), "cannot be"),
        (lambda: Unseeded(SPACE), "the same news, other proposals"),
        (lambda: Greedy(SPACE), "asked for none"),
        (lambda: Fragile(SPACE), "cannot bear failures"),
        (lambda: RandomSearch(named("series")), "outside the space"),
    ],
)
def test_the_strategy_contract_finds_mistakes(strategy, complaint):
    with pytest.raises(AssertionError, match=complaint):
        check_strategy(strategy, SPACE, trials=20)


@pytest.mark.parametrize(
    "spec",
    [
        Rnn(8),
        Lstm(8, bidirectional=True),
        Gru(8),
        MinGru(8),
        MinGru(8, bidirectional=True),
        Ssm(4),
        Ssm(4, bidirectional=True),
        Conv(3, dilation=2),
        Attention(2, window=8),
        Attention(1, positions="sinusoidal"),
        FeedForward(2),
        GatedFeedForward(1),
        Skip(),
    ],
    ids=repr,
)
def test_blocks_keep_the_contract(spec):
    check_block(spec)


class Averaging(nn.Module):
    """Forgets the mask."""

    def forward(self, x, context):
        return x + x.mean(1, keepdim=True)


class Peeking(nn.Module):
    """Looks one step ahead, in every role."""

    def forward(self, x, context):
        return torch.cat([context.zero(x)[:, 1:], torch.zeros_like(x[:, :1])], 1)


class Stale(nn.Module):
    """Drops part of its gradient."""

    def forward(self, x, context):
        return x * x.detach()


@pytest.mark.parametrize(
    ("module", "complaint"),
    [(Averaging, "padding"), (Peeking, "see later"), (Stale, "by differences")],
)
def test_the_block_contract_finds_mistakes(module, complaint):
    spec = type(module.__name__, (), {})
    block.register(spec, lambda spec, width, role=None: module())
    with pytest.raises(AssertionError, match=complaint):
        check_block(spec())


def text(rows: int = 24) -> dict[str, list[str]]:
    return {"text": [("good fine nice", "bad poor awful")[i % 2] + f" w{i}" for i in range(rows)]}


def of_kind(kind: str) -> Examples:
    targets, rows = np.arange(24) % 2, np.arange(24)
    if kind == "text-classification":
        return Examples(text(), targets, rows=rows)
    if kind == "text-pairs":
        return Examples({"a": text()["text"], "b": text()["text"][::-1]}, targets, rows=rows)
    if kind == "series-classification":
        waves = [np.sin(np.arange(20 + i)[:, None] * (1 + i % 2)).astype(np.float32) for i in range(24)]
        return Examples({"series": waves}, targets, rows=rows)
    tokens = [t.split() for t in text()["text"]]
    return Examples({"tokens": tokens}, [np.arange(len(t)) % 2 for t in tokens], rows=rows)


@pytest.mark.parametrize("kind", ["text-classification", "text-pairs", "series-classification", "tagging"])
def test_tasks_keep_the_contract(kind):
    check_task(task_of(kind)(("no", "yes")), of_kind(kind))


def test_the_task_contract_finds_mistakes():
    class Forgetful(task_of("text-classification")):
        def as_data(self):
            return super().as_data() | {"labels": ["no"]}

    class Blind(task_of("text-classification")):
        def decode(self, probabilities):
            return np.zeros(len(probabilities), int)

    for task, complaint in ((Forgetful, "came back from JSON"), (Blind, "for the targets themselves")):
        with pytest.raises(AssertionError, match=complaint):
            check_task(task(("no", "yes")), of_kind("text-classification"))
