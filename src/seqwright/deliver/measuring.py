"""Reading the test split: once, for the delivered model and all its rivals at the same moment."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from seqwright.arch import codec
from seqwright.arch.encoders import Frozen
from seqwright.arch.portfolio import FINE_TUNED
from seqwright.data import store
from seqwright.data.examples import listed
from seqwright.deliver import bundle
from seqwright.deliver.evidence import DELIVERED, PORTFOLIO, Evidence, weigh
from seqwright.deliver.networks import member_of, states
from seqwright.deliver.refine import READ_BEFORE
from seqwright.deliver.refitting import deliveries
from seqwright.deliver.run import Run
from seqwright.evaluate import predictions
from seqwright.evaluate.workbench import Workbench
from seqwright.search.leaderboard import begun_with, leaderboard
from seqwright.search.random_search import PORTFOLIO as HAND_MADE
from seqwright.study.record import Trial


def measure(
    run: Run,
    bench: Workbench,
    members: "Sequence[bundle.Member]",
    trials: Sequence[Trial],
    baselines: "Mapping[str, Mapping[str, Any]]",
) -> "Evidence | None":
    """Open test: the only place that does."""
    if not (bench.folder / "test.examples.json").exists():
        return None
    study, test = run.study, store.load(bench.folder, "test")
    for architecture in (member.candidate.architecture for member in members):
        if isinstance(getattr(architecture.stem, "tuning", None), Frozen):  # what the encoder's baseline read is kept
            test = replace(test, streams=test.streams | bench.reading(architecture, test).streams)
    begun = begun_with(trials)
    targets = listed(test.targets)
    kept: dict[str, Any] = {}
    answers = {DELIVERED: bundle.Model(bench.task, bench.preparation, members, {}).answer(test, kept)}
    from_portfolio = leaderboard(t for t in trials if codec.identity(t.proposal.candidate) in begun)
    plain = [t for t in leaderboard(trials) if t.proposal.why.startswith(f"{HAND_MADE}: {FINE_TUNED}")]
    baselines = dict(baselines)
    for name, trial in [*((PORTFOLIO, t) for t in from_portfolio[:1]), *((FINE_TUNED, t) for t in plain[:1])]:
        own = states(bench, study.folder, trial)
        if own:
            rivals = [member_of(trial.proposal.candidate, state) for state in own]
            answers[name] = bundle.Model(bench.task, bench.preparation, rivals, {}).answer(test, kept)
        if own and name == FINE_TUNED:
            baselines[name] = {"name": name, "said": [f"trial {trial.proposal.number} of the search"]}
    for name in baselines:
        if (told := predictions.load(study.folder, f"baseline-{name}-test")) is not None:
            answers[name] = told[1]
    if len(study.readings()) <= deliveries(study):  # else this model was read already, by a command that was killed
        study.reading({"delivered": [codec.identity(m.candidate) for m in members]})
    readings = 1 + deliveries(study) + sum(count for _, count in study.events(READ_BEFORE))
    evidence = weigh(bench.task, targets, answers, baselines, test.weights, run.options.seed, readings)
    study.event("evidence", evidence.as_data())
    return evidence
