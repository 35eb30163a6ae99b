"""The last stage: refit the finalists, choose on validation, read test once, write the bundle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import seqwright
from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.data import store
from seqwright.deliver import bundle
from seqwright.deliver.card import card
from seqwright.deliver.ensemble import common, select
from seqwright.deliver.evidence import DELIVERED, PORTFOLIO, Evidence, weigh
from seqwright.deliver.finalists import finalists, refits
from seqwright.deliver.gather import facts
from seqwright.deliver.run import Run
from seqwright.deliver.searching import portfolio_of
from seqwright.errors import SeqwrightError
from seqwright.evaluate import predictions
from seqwright.evaluate.full import FullEvaluator
from seqwright.evaluate.trial import listed, state_path
from seqwright.evaluate.workbench import Workbench
from seqwright.search.fixed import Fixed
from seqwright.search.loop import search
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.study.rows import proposal_from_data, proposal_to_data
from seqwright.study.store import Study


@dataclass(frozen=True)
class Network:
    """A trained network that may be delivered: whose it is, where its weights lie, what it answered."""

    candidate: Candidate
    state: Path
    index: np.ndarray
    answers: Any


@dataclass(frozen=True)
class Delivery:
    """What was delivered: the bundle's folder, the validation score it was chosen by, what test said."""

    folder: Path
    score: float
    evidence: Evidence | None
    members: int


def deliveries(study: Study) -> int:
    """How many models this run has delivered: the number of the one that is being made."""
    return len(study.events("delivered"))


def refit(run: Run, bench: Workbench, evaluator: FullEvaluator) -> list[Trial]:
    """Train the finalists again, in a small study of its own inside the run's folder, so that it resumes alike."""
    study, ends = run.study, run.plan.refit_s
    run.begin("refit", ends)
    number = deliveries(study)

    def decide() -> "list[dict[str, Any]]":
        spare = portfolio_of(run.options, bench.task.portfolio)[0][1]
        return [proposal_to_data(p) for p in _planned(study.trials(), bench, run.left(ends), evaluator.slots, spare)]

    planned = [proposal_from_data(data) for data in study.once(f"refits-{number}", decide)]
    if not planned:
        return []
    folder = study.folder / "refits" / str(number)
    with Study.begin(folder, {"refits": [codec.identity(p.candidate) for p in planned]}) as inner:
        evaluator.run_folder, evaluator.stop_at = folder, run.at(ends)
        search(inner, Fixed(planned), evaluator, stop=run.over(ends, grace_s=0.5), on_trial=run.show.trial)
        return inner.trials()


def _planned(
    trials: Sequence[Trial], bench: Workbench, seconds: "float | None", slots: int, spare: Candidate
) -> list[Proposal]:
    """Refits; of `spare`, for what time is left, when the search ended before any trial did."""
    best = finalists(trials)
    if best or seconds == 0.0:
        return refits(best, seconds, slots, len(bench.folds))
    fidelity = Fidelity(3 * len(bench.folds[0][0]), 1, "refit")
    return [Proposal(spare, fidelity, "the search ended before any trial did")]


def deliver(
    run: Run, bench: Workbench, refitted: Sequence[Trial], baselines: "Mapping[str, Mapping[str, Any]]"
) -> Delivery:
    """Choose, measure, write.

    Args:
        refitted: what `refit` gave; may be empty, then the search's own networks are delivered.

    Raises:
        SeqwrightError: no trial ended well, so there is nothing to deliver.
    """
    run.begin("test")
    study, single = run.study, run.options.single
    number = deliveries(study)
    trials = study.trials()
    found: dict[str, list[Network]] = {}
    for trial in finalists(trials):
        found[codec.identity(trial.proposal.candidate)] = _networks(study.folder, trial, bench)
    for trial in refitted:
        if not trial.failed:
            networks = _networks(study.folder / "refits" / str(number), trial, bench)
            found.setdefault(codec.identity(trial.proposal.candidate), []).extend(networks)
    found = {name: networks for name, networks in found.items() if networks}
    if not found:
        errors = sorted({t.error for t in trials if t.failed})
        raise SeqwrightError(
            "No network was trained to its end, so there is nothing to deliver."
            + (f" What went wrong: {'; '.join(errors[:3])}." if errors else "")
            + " Give a larger budget: `seqwright resume FOLDER --budget +5m`."
        )
    index, answers = common({name: [(n.index, n.answers) for n in networks] for name, networks in found.items()})
    targets = listed(bench.development.take(index).targets)
    shares = select(answers, lambda p: bench.score(p, targets), rounds=0 if single else 8)
    blended = bundle.blend([answers[name] for name in shares], np.array(list(shares.values())))
    score = bench.score(blended, targets)
    members = [
        bundle.Member(network.candidate, share / len(kept), _weights(network.state))
        for name, share in shares.items()
        for kept in [found[name][-1:] if single else found[name]]
        for network in kept
    ]
    evidence = _measure(run, bench, members, trials, baselines)
    story = _story(run, bench) | {"validation": f"{bench.task.chosen().name} {score:.4f} of what was chosen"}
    folder = study.folder / "best"
    text = card(bench.task, members, evidence, story, seqwright.__version__)
    bundle.write(folder, bench.task, bench.preparation, members, facts(bench)["columns"], text)
    told = {"budget": str(run.budget), "score": score, "seconds": study.spent_s(), "stopped": run.stopped()}
    study.event("delivered", told)
    if evidence:
        run.show.evidence(evidence)
    return Delivery(folder, score, evidence, len(members))


def _networks(folder: Path, trial: Trial, bench: Workbench) -> list[Network]:
    """The networks behind one trial: one for each fold that it was judged on."""
    proposal = trial.proposal
    stage, seed = proposal.fidelity.stage, proposal.seed
    which = [seed % len(bench.folds)] if stage == "refit" else range(proposal.fidelity.folds)
    kept = predictions.load(folder, proposal.number)
    if kept is None:
        return []
    index, answers = kept
    networks, start = [], 0
    for fold in which:
        count = len(bench.folds[fold][1])
        state = state_path(folder, codec.identity(proposal.candidate), stage, seed, fold)
        if state.exists():
            part = slice(start, start + count)
            networks.append(Network(proposal.candidate, state, index[part], answers[part]))
        start += count
    return networks


def _weights(state: Path) -> "dict[str, Any]":
    from seqwright.train import checkpoint

    kept = checkpoint.read(state)
    assert kept is not None, state
    return {name.removeprefix("best/"): tensor for name, tensor in kept[0].items() if name.startswith("best/")}


def _measure(
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
    begun = {codec.identity(candidate) for _, candidate in portfolio_of(run.options, bench.task.portfolio)}
    targets = listed(test.targets)
    answers = {DELIVERED: _answers(bench, members, test)}
    from_portfolio = finalists([t for t in trials if codec.identity(t.proposal.candidate) in begun], most=1)
    networks = [n for trial in from_portfolio for n in _networks(study.folder, trial, bench)]
    if networks:
        rivals = [bundle.Member(n.candidate, 1.0, _weights(n.state)) for n in networks]
        answers[PORTFOLIO] = _answers(bench, rivals, test)
    for name in baselines:
        if (kept := predictions.load(study.folder, f"baseline-{name}-test")) is not None:
            answers[name] = kept[1]
    if len(study.readings()) <= deliveries(study):  # else this model was read already, by a command that was killed
        study.reading({"delivered": [codec.identity(m.candidate) for m in members]})
    evidence = weigh(bench.task, targets, answers, baselines, test.weights, run.options.seed)
    study.event("evidence", evidence.as_data())
    return evidence


def _answers(bench: Workbench, members: "Sequence[bundle.Member]", data: Any) -> Any:
    from seqwright.train.predict import probabilities

    model = bundle.Model(bench.task, bench.preparation, members, {})
    return model.average(
        [probabilities(model._network(i), data, m.candidate.architecture.streams) for i, m in enumerate(members)]
    )


def _story(run: Run, bench: Workbench) -> "dict[str, str]":
    """How the model was found, for its card."""
    trials = run.study.trials()
    failed = sum(t.failed for t in trials)
    collapsed = sum(any("collapsed" in note for note in t.notes) for t in trials)
    compared = len({codec.identity(t.proposal.candidate) for t in trials if not t.failed})
    return {
        "budget": f"{run.budget}, of which {run.study.spent_s():.0f} s were used",
        "data": facts(bench)["split"],
        "search": f"{run.options.strategy} with {run.options.schedule}, seed {run.options.seed}",
        "compared": f"{compared} candidates in {len(trials)} trials",
        "went wrong": f"{failed} trials failed, {collapsed} collapsed to one class",
        "test split": f"read {len(run.study.readings())} time(s)",
    }
