"""A search without training: scores are a smooth function of the candidate, the fidelity and nothing else."""

import math
import threading
import time
from random import Random

from seqwright.arch.codec import identity
from seqwright.search.fresh import generator
from seqwright.space.fill import answers
from seqwright.space.nodes import Space
from seqwright.study.record import Proposal, Trial


class Landscape:
    """A score for every candidate of a space: a hidden best answer to each question, and less for each step away."""

    def __init__(self, space: Space, seed: int = 0, noise: float = 0.0) -> None:
        self.space, self.seed, self.noise = space, seed, noise

    def score(self, proposal: Proposal) -> float:
        known = answers(self.space, proposal.candidate)
        total = sum(self._worth(path, index) for path, index in known.items()) / len(known)
        name = int(identity(proposal.candidate), 16)
        spread = self.noise / math.sqrt(1 + proposal.fidelity.examples)
        return total + spread * generator(self.seed, name, proposal.fidelity.examples).gauss(0, 1)

    def _worth(self, path: str, index: int) -> float:
        place = int.from_bytes(path.encode()[-24:], "big")
        return generator(self.seed, place, index).random()

    def trial(self, proposal: Proposal) -> Trial:
        if proposal.fidelity.stage == "supernet":
            return Trial(proposal, 0.5)
        if int(identity(proposal.candidate), 16) % 11 == 0:
            return Trial(proposal, 0.0, error="diverged")
        return Trial(proposal, self.score(proposal))


class Threads:
    """An evaluator of so many slots that takes a moment for each trial, and ends them in no certain order."""

    def __init__(self, landscape: Landscape, slots: int, longest_s: float = 0.004) -> None:
        self.landscape, self.slots, self.longest_s = landscape, slots, longest_s
        self.submitted: list[int] = []
        self.cancelled: list[int] = []
        self._ended: list[Trial] = []
        self._news = threading.Condition()
        self._clock = Random()  # timing must not matter

    def submit(self, proposal: Proposal) -> None:
        self.submitted.append(proposal.number)
        threading.Thread(target=self._run, args=(proposal, self._clock.random() * self.longest_s), daemon=True).start()

    def _run(self, proposal: Proposal, wait_s: float) -> None:
        time.sleep(wait_s)
        with self._news:
            self._ended.append(self.landscape.trial(proposal))
            self._news.notify()

    def collect(self, timeout_s: float) -> list[Trial]:
        with self._news:
            self._news.wait_for(lambda: self._ended, timeout_s)
            ended, self._ended = self._ended, []
        return ended

    def cancel(self, number: int) -> None:
        self.cancelled.append(number)

    def close(self) -> None:
        """Its threads end by themselves."""
