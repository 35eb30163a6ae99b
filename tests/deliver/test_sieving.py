"""The sieve of a run: it compares what reads alike, keeps what it computed, and is a worker's lowest rung too."""

from pathlib import Path

import numpy as np
import pytest

from seqwright.arch import codec
from seqwright.arch.blocks import Conv, FeedForward, Lstm, Skip
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, NgramBag, Words
from seqwright.data.examples import Examples
from seqwright.deliver.sieving import EVENT, Sieve
from seqwright.evaluate import trial, workbench
from seqwright.evaluate.training_free import of_bench
from seqwright.evaluate.workbench import Workbench
from seqwright.search.sieve import UNTRAINED
from seqwright.study.store import Study
from seqwright.tasks.text_classification import TextClassification

TEXTS = [f"{colour} {shape}" for colour in ("red", "blue") for shape in ("round", "square", "small", "big")] * 5


def made(mixer: object, stem: object = Words()) -> Candidate:
    return Candidate(Network(stem, Body((Layer(mixer, FeedForward(1)),), 8), Mean(), Mlp(layers=0)), Recipe())


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    index = np.arange(len(TEXTS))
    examples = Examples({"text": TEXTS}, (index % 8 < 4).astype(np.int64), None, None, index)
    fold = (index[index % 4 != 0], index[index % 4 == 0])
    task = TextClassification(("a", "b"))
    return workbench.build(tmp_path_factory.mktemp("data"), task, examples, None, [fold], 1, index, seed=0)


CANDIDATES = [made(Conv(3)), made(Lstm(8)), made(Skip()), made(Conv(7))]


def test_the_best_is_chosen_and_every_score_computed_once(bench: Workbench, tmp_path: Path) -> None:
    scores = [of_bench("hidden", candidate.architecture, bench) for candidate in CANDIDATES]
    with Study.create(tmp_path / "run", {}) as study:
        sieve = Sieve(study, bench, "hidden")
        assert sieve(CANDIDATES) == int(np.argmax(scores))
        assert sieve(CANDIDATES[::-1]) == len(scores) - 1 - int(np.argmax(scores))
        kept = [told for _, told in study.events(EVENT)]
        assert [told["score"] for told in kept] == scores
        assert [told["architecture"] for told in kept] == [codec.identity(c.architecture) for c in CANDIDATES]
        # A resumed search reads them, so that it chooses alike whatever the last bits would be now.
        study.event(EVENT, kept[2] | {"score": 1e9})
        assert Sieve(study, bench, "hidden")(CANDIDATES) == 2
        assert len(study.events(EVENT)) == 5
        assert Sieve(study, bench, "naswot").score(CANDIDATES[0]) != scores[0]  # another score, of its own


def test_only_what_reads_alike_is_compared(bench: Workbench, tmp_path: Path) -> None:
    with Study.create(tmp_path / "run", {}) as study:
        sieve = Sieve(study, bench, "parameters")
        assert sieve([made(Skip(), NgramBag()), made(Lstm(32))]) == 0
        assert sieve([made(Skip()), made(Lstm(32), NgramBag()), made(Conv(3))]) == 2


def test_a_worker_scores_an_untrained_network(bench: Workbench, tmp_path: Path) -> None:
    candidate = CANDIDATES[0]
    common = {"prepared": str(bench.folder), "run_folder": str(tmp_path), "candidate": codec.to_data(candidate)}
    told = trial.run(**common, number=0, examples=0, folds=1, stage=f"{UNTRAINED}naswot", seed=0, costs=["parameters"])
    assert told["score"] == of_bench("naswot", candidate.architecture, bench)
    assert told["costs"]["parameters"] > 0 and not (tmp_path / "checkpoints").exists()


def test_a_network_beyond_a_limit_is_measured_and_not_trained(bench: Workbench, tmp_path: Path) -> None:
    common = {"prepared": str(bench.folder), "run_folder": str(tmp_path), "candidate": codec.to_data(CANDIDATES[1])}
    more = {"costs": ["latency_ms", "flops"], "limits": {"latency_ms": 1e-6}}
    told = trial.run(**common, **more, number=0, examples=500, folds=1, stage="full", seed=0)
    assert told["error"].startswith("beyond the limit: latency_ms 0.") and "score" not in told
    assert told["costs"]["latency_ms"] > 1e-6 and told["costs"]["flops"] > 0
    assert not (tmp_path / "checkpoints").exists()
