"""Cohorts in the evaluator: the trials are those of training alone, and nothing is lost on the way."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqwright.arch import codec
from seqwright.arch.blocks import Conv, Skip
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.encoders import AttentionStage, ClsToken, Dense, HeadedEncoder, Pretrained, Tuned
from seqwright.arch.network import Body, Layer, Max, Mean, Mlp, Network, NgramBag, Words
from seqwright.data.checkpoint import locate
from seqwright.data.examples import Examples
from seqwright.evaluate import cohort_trial, predictions, trial, workbench
from seqwright.evaluate.cohorts import CohortEvaluator
from seqwright.evaluate.executor import Job, Outcome
from seqwright.evaluate.local import LocalPool
from seqwright.evaluate.trial import head_only
from seqwright.evaluate.workbench import Workbench
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.tasks.registry import task_of
from seqwright.testing.encoder import tiny_encoder

WORDS = ["river", "town", "man", "dog", "cat", "mat", "book", "sea", "name", "slow"]


@pytest.fixture(scope="module", params=["text", "pairs"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    folder = tmp_path_factory.mktemp(request.param)
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 80)
    texts = [f"{' '.join(rng.choice(WORDS, rng.integers(1, 9)))} {('sad', 'loud')[t]}" for t in targets]
    inputs = {"text": texts} if request.param == "text" else {"a": texts, "b": texts[::-1]}
    examples = Examples(inputs, targets, rng.random(80).astype(np.float32) + 0.5, None, np.arange(80))
    task = task_of("text-classification" if request.param == "text" else "text-pairs")(("no", "yes"))
    index = np.arange(80)
    folds = [(index[index % 4 != k], index[index % 4 == k]) for k in range(2)]
    checkpoint = locate(tiny_encoder(folder / "encoder"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQWRIGHT_CACHE", str(folder / "cache"))
        yield workbench.build(
            folder / "prepared", task, examples, None, folds, 2, index, 0, encoder=checkpoint, features_bytes=1 << 28
        )


def candidates(bench: Workbench) -> list[Candidate]:
    pairing = "joined" if bench.interface.sides == 1 else "compared"
    recipe = Recipe(learning_rate=1e-2, batch_size=16, warmup_steps=5, input_dropout=0.1)
    heads = [
        HeadedEncoder(readout=Mean(), dense=Dense(1)),
        HeadedEncoder(readout=Mean(), dense=Dense(2, 9), activation="gelu", norm=True),
        HeadedEncoder(readout=Max(), dense=Dense(2, 20), pairing=pairing),
        HeadedEncoder(stem=Pretrained(layers=2), readout=ClsToken(), dense=Dense(3, 8), activation="tanh"),
        HeadedEncoder(stem=Pretrained(tuning=Tuned(share=0.5)), readout=Mean(), dense=Dense(2, 12)),
    ]
    return [Candidate(head, replace(recipe, dropout=0.1 * i)) for i, head in enumerate(heads)]


def orders(bench: Workbench, run_folder: Path, examples: int = 800, **more: Any) -> list[dict[str, Any]]:
    common: dict[str, Any] = {
        "prepared": str(bench.folder), "run_folder": str(run_folder), "examples": examples, "folds": 2,
        "stage": "full", "seed": 0, "thaw_at": 800, "precision": "float32", "device": "cpu",
    }  # fmt: skip
    return [common | {"candidate": codec.to_data(c), "number": i} | more for i, c in enumerate(candidates(bench))]


def alike(found: dict[str, Any], alone: dict[str, Any]) -> None:
    assert found["notes"] == alone["notes"] and found["metrics"].keys() == alone["metrics"].keys()
    assert found["score"] == pytest.approx(alone["score"], abs=1e-6)
    np.testing.assert_allclose(np.array(found["curve"]), np.array(alone["curve"]), rtol=2e-3, atol=2e-3)
    for name in ("parameters", "flops", "best_examples"):
        assert found["costs"][name] == alone["costs"][name]


def test_trials_are_those_of_training_alone(bench: Workbench, tmp_path: Path) -> None:
    together = cohort_trial.run(orders(bench, tmp_path / "together"))
    alone = [trial.run(**order) for order in orders(bench, tmp_path / "alone")]
    for number, (found, expected) in enumerate(zip(together, alone, strict=True)):
        alike(found, expected)
        mine, theirs = (predictions.load(tmp_path / where, number) for where in ("together", "alone"))
        assert mine is not None and theirs is not None and mine[0].tolist() == theirs[0].tolist()
        np.testing.assert_allclose(mine[1], theirs[1], atol=5e-3)
    assert max(one["score"] for one in together) > 0.55, "nothing was learnt, so nothing was tested"


def test_a_promotion_continues_alone_or_together(bench: Workbench, tmp_path: Path) -> None:
    """Heads learn in a cohort; then the encoder of one thaws, and it trains on alone."""
    straight = [trial.run(**order) for order in orders(bench, tmp_path / "straight", 1200)]
    cohort_trial.run(orders(bench, tmp_path / "steps"))
    frozen = cohort_trial.run(orders(bench, tmp_path / "steps", 1200)[:4])
    tuned = trial.run(**orders(bench, tmp_path / "steps", 1200)[4])
    for found, expected in zip([*frozen, tuned], straight, strict=True):
        alike(found, expected)


def test_one_that_diverges_is_an_error_of_its_own(bench: Workbench, tmp_path: Path) -> None:
    given = orders(bench, tmp_path)
    mad = candidates(bench)[1]
    mad = replace(mad, recipe=replace(mad.recipe, learning_rate=1e30, warmup_steps=1))
    given[1]["candidate"] = codec.to_data(mad)
    found = cohort_trial.run(given)
    assert found[1]["error"].startswith("Diverged: the loss became")
    alike(found[0], trial.run(**orders(bench, tmp_path / "alone")[0]))


def test_networks_are_those_trained_alone_from_their_parents_on(bench: Workbench, tmp_path: Path) -> None:
    given = replace(NETWORK, recipe=Recipe(learning_rate=1e-2, batch_size=16, warmup_steps=5, dropout=0.2))
    queue = [replace(given, recipe=replace(given.recipe, weight_decay=0.1 * k)) for k in range(3)]
    found = {}
    for where in ("together", "alone"):
        common = orders(bench, tmp_path / where, 400)[0]
        trial.run(**common | {"candidate": codec.to_data(given), "number": 9})
        asked = [common | {"candidate": codec.to_data(c), "number": i} for i, c in enumerate(queue)]
        asked[1] |= {"parent": codec.identity(given)}
        found[where] = cohort_trial.run(asked) if where == "together" else [trial.run(**order) for order in asked]
    for one, other in zip(found["together"], found["alone"], strict=True):
        alike(one, other)
    assert "began computing what its parent computed" in found["together"][1]["notes"]


def test_whose_head_alone_trains() -> None:
    head = HeadedEncoder(readout=Mean())
    tuned = replace(head, stem=Pretrained(tuning=Tuned()))
    assert head_only(Candidate(head), 10**6, 100) and head_only(Candidate(tuned), 100, 100)
    assert not head_only(Candidate(tuned), 101, 100)
    assert not head_only(Candidate(replace(head, attention=AttentionStage())), 100, 100)
    assert not head_only(BAG, 100, 100)


# The evaluator, on an executor that is told what comes of its jobs -------------------------------


@dataclass
class Told:
    """Workers that end when they are told to, and remember what they were given."""

    slots: int = 2
    jobs: list[Job] = field(default_factory=list)
    ended: list[Outcome] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def submit(self, job: Job) -> None:
        self.jobs.append(job)

    def collect(self, timeout_s: float) -> list[Outcome]:
        ended, self.ended = self.ended, []
        return ended

    def cancel(self, id: str) -> None:
        self.cancelled.append(id)

    def close(self) -> None:
        pass

    def end(self, job: Job, error: str = "") -> None:
        def one(number: int) -> dict[str, Any]:
            return {"score": number / 100, "metrics": {}, "costs": {}, "curve": [], "notes": [], "seconds": 1.0}

        if "orders" in job.arguments:
            value: Any = [one(order["number"]) for order in job.arguments["orders"]]
        else:
            value = one(job.arguments["number"])
        self.ended.append(Outcome(job.id, None if error else value, error, 2.0))


HEAD = Candidate(HeadedEncoder(readout=Mean()))
BAG = Candidate(Network(NgramBag(), Body((), width=16), Mean(), Mlp(layers=0)))
NETWORK = Candidate(Network(Words(), Body((Layer(Conv(3), Skip()),), width=16), Mean(), Mlp(layers=0)))


def evaluator(slots: int = 2, size: int = 8) -> tuple[CohortEvaluator, Told]:
    told = Told(slots)
    return CohortEvaluator(told, Path("prepared"), Path("run"), size=size), told


def proposals(*which: Candidate) -> list[Proposal]:
    return [Proposal(candidate, Fidelity(100), number=number) for number, candidate in enumerate(which)]


def numbers(job: Job) -> list[int]:
    return [order["number"] for order in job.arguments.get("orders", [job.arguments])]


def test_what_waits_is_shared_among_the_workers() -> None:
    found, told = evaluator()
    assert found.slots == 16
    for proposal in proposals(*[HEAD] * 10):
        found.submit(proposal)
    assert not told.jobs, "a cohort was begun before it was seen what waits"
    assert found.collect(0.0) == []
    assert [numbers(job) for job in told.jobs] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]] and found.fill == 5.0
    for proposal in proposals(*[HEAD] * 30)[10:]:
        found.submit(proposal)
    assert found.collect(0.0) == [] and len(told.jobs) == 2, "more jobs than workers"
    told.end(told.jobs[1])
    assert [(t.proposal.number, t.score) for t in found.collect(0.0)] == [(n, n / 100) for n in range(5, 10)]
    assert numbers(told.jobs[2]) == list(range(10, 18)), "no cohort is larger than its size"


def test_others_go_one_by_one_in_their_turn() -> None:
    found, told = evaluator()
    for proposal in proposals(HEAD, BAG, HEAD, BAG, BAG):
        found.submit(proposal)
    found.collect(0.0)
    assert [numbers(job) for job in told.jobs] == [[0], [1]]
    told.end(told.jobs[1])
    assert [trial.proposal.number for trial in found.collect(0.0)] == [1]
    assert [numbers(job) for job in told.jobs[2:]] == [[2]]
    told.end(told.jobs[0])
    told.end(told.jobs[2])
    assert [trial.proposal.number for trial in found.collect(0.0)] == [0, 2]
    assert [numbers(job) for job in told.jobs[3:]] == [[3], [4]]


def test_networks_of_one_architecture_go_together_where_it_is_worth_it() -> None:
    other = replace(NETWORK, architecture=replace(NETWORK.architecture, body=Body((), width=32)))
    queue = [NETWORK, other, BAG, replace(NETWORK, recipe=Recipe(learning_rate=0.5)), NETWORK, BAG]
    larger = replace(NETWORK, recipe=Recipe(batch_size=256))
    for worth, expected in ((True, [[0, 3, 4], [1], [2], [5], [6]]), (False, [[n] for n in range(7)])):
        found, told = evaluator(slots=1)
        found.networks = worth
        for proposal in proposals(*queue, larger):
            found.submit(proposal)
        for _ in range(7):
            found.collect(0.0)
            told.end(told.jobs[-1])
        assert [numbers(job) for job in told.jobs] == expected


def test_refits_go_alone() -> None:
    found, told = evaluator()
    found.submit(replace(proposals(HEAD)[0], fidelity=Fidelity(100, stage="refit")))
    found.collect(0.0)
    assert [job.function for job in told.jobs] == ["seqwright.evaluate.trial:run"] and not found.sizes


def test_a_crash_is_not_the_others_failure() -> None:
    found, told = evaluator(1)
    for proposal in proposals(HEAD, HEAD, HEAD):
        found.submit(proposal)
    found.collect(0.0)
    told.end(told.jobs[0], "killed by signal 9")
    assert found.collect(0.0) == []
    assert [numbers(job) for job in told.jobs[1:]] == [[0], [1], [2]], "each has its own job now"
    told.end(told.jobs[1])
    told.end(told.jobs[2], "killed by signal 9")
    told.end(told.jobs[3])
    ended = found.collect(0.0)
    assert [trial.error for trial in ended] == ["", "killed by signal 9", ""] and not found.running


def test_a_crash_of_one_alone_is_its_own() -> None:
    found, told = evaluator(1)
    found.submit(proposals(HEAD)[0])
    found.collect(0.0)
    told.end(told.jobs[0], "ran out of memory")
    (ended,) = found.collect(0.0)
    assert ended.error == "ran out of memory" and not found.cohorts and not found.running


def test_cancelled_members_yield_no_trial() -> None:
    found, told = evaluator(1)
    for proposal in proposals(HEAD, HEAD, HEAD):
        found.submit(proposal)
    found.cancel(2)  # while it waits
    found.collect(0.0)
    assert numbers(told.jobs[0]) == [0, 1]
    found.cancel(0)
    assert not told.cancelled, "the other member trains on"
    told.end(told.jobs[0])
    assert [trial.proposal.number for trial in found.collect(0.0)] == [1]
    found.submit(proposals(HEAD)[0])
    found.collect(0.0)
    found.cancel(0)
    assert told.cancelled == [told.jobs[1].id] and not found.running and not found.cohorts
    found.cancel(77)  # unknown numbers are ignored


def test_in_worker_processes(bench: Workbench, tmp_path: Path) -> None:
    """Real workers; the mad one fails, the bag goes alone."""
    given = [*candidates(bench), BAG]
    mad = replace(given[0], recipe=replace(given[0].recipe, learning_rate=1e30, warmup_steps=1, dropout=0.3))
    with LocalPool(1) as pool:
        found = CohortEvaluator(pool, bench.folder, tmp_path, device="cpu", thaw_at=400)
        for number, candidate in enumerate([*given, mad]):
            found.submit(Proposal(candidate, Fidelity(400, 2), number=number))
        trials: list[Trial] = []
        until = time.monotonic() + 120
        while len(trials) < len(given) + 1 and time.monotonic() < until:
            trials += found.collect(1.0)
        assert sorted(trial.proposal.number for trial in trials) == list(range(len(given) + 1))
        assert [trial.proposal.number for trial in trials if trial.failed] == [len(given)]
        assert found.sizes == [len(given)] and all(trial.seconds > 0 for trial in trials)
