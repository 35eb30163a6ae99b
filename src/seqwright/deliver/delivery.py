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
from seqwright.deliver.ensemble import ROUNDS, common, select
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
from seqwright.search.leaderboard import leaderboard
from seqwright.search.loop import search
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.study.rows import proposal_from_data, proposal_to_data
from seqwright.study.store import Study


@dataclass
class Finalist:
    """A candidate that may be delivered: its trained networks, and answers on what they did not train on."""

    candidate: Candidate
    states: list[Path]
    answers: list[tuple[np.ndarray, Any]]


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


@dataclass(frozen=True)
class Finals:
    """Who came to the finals by the search, and what became of their refits in `folder`."""

    searched: Sequence[Trial]
    refitted: Sequence[Trial]
    folder: Path


def refit(run: Run, bench: Workbench, evaluator: FullEvaluator) -> Finals:
    """Train the finalists again, in a small study of its own inside the run's folder, so that it resumes alike."""
    study, ends = run.study, run.plan.refit_s
    run.begin("refit", ends)
    place, decided = _decided(run, bench, evaluator.slots)
    searched = [t for t in study.trials() if t.proposal.number in decided["finalists"]]
    planned = [proposal_from_data(data) for data in decided["refits"]]
    folder = study.folder / "refits" / str(place)
    if not planned:
        return Finals(searched, [], folder)
    with Study.begin(folder, {"refits": [codec.identity(p.candidate) for p in planned]}) as inner:
        evaluator.run_folder, evaluator.stop_at = folder, run.at(ends)
        search(inner, Fixed(planned), evaluator, stop=run.over(ends, grace_s=0.5), on_trial=run.show.trial)
        return Finals(searched, inner.trials(), folder)


def _decided(run: Run, bench: Workbench, slots: int) -> "tuple[int, dict[str, Any]]":
    """The finalists and their refits, and the place of this decision among all of the study's.

    It is kept once the search has had its whole budget, so that a command that was killed meanwhile decides no other
    way. What is decided in haste, as the user asked to stop, is not: the same command will go on searching.
    """
    study = run.study
    known = [data for _, data in study.events("finals")]
    purpose = [deliveries(study), str(run.budget)]
    for place, data in enumerate(known):
        if data["for"] == purpose:
            return place, data
    trials, left = study.trials(), run.left(run.plan.refit_s)
    best = _finalists(run, bench, trials)
    planned = refits(best, trials, left, slots)
    if not best and left != 0.0:  # the search ended before any trial did
        spare = portfolio_of(run.options, bench.task.portfolio)[0][1]
        fidelity = Fidelity(3 * len(bench.folds[0][0]), 1, "refit")
        planned = [Proposal(spare, fidelity, "nothing else was trained in time")]
    decided = {
        "for": purpose,
        "finalists": [t.proposal.number for t in best],
        "refits": [proposal_to_data(p) for p in planned],
    }
    if planned:
        study.event("finals", decided)
    return len(known), decided


def _finalists(run: Run, bench: Workbench, trials: Sequence[Trial]) -> list[Trial]:
    def score(index: np.ndarray, probabilities: Any) -> float:
        return bench.score(probabilities, listed(bench.development.take(index).targets))

    return finalists(trials, lambda t: predictions.load(run.study.folder, t.proposal.number), score)


def deliver(run: Run, bench: Workbench, finals: Finals, baselines: "Mapping[str, Mapping[str, Any]]") -> Delivery:
    """Choose, measure, write.

    Args:
        finals: what `refit` gave; without any refits the search's own networks are delivered.

    Raises:
        SeqwrightError: no trial ended well, so there is nothing to deliver.
    """
    run.begin("test")
    study, single = run.study, run.options.single
    trials = study.trials()
    found = _gathered(bench, study.folder, finals)
    if not found:
        errors = sorted({t.error for t in trials if t.failed})
        raise SeqwrightError(
            "No network was trained to its end, so there is nothing to deliver."
            + (f" What went wrong: {'; '.join(errors[:3])}." if errors else "")
            + " Give a larger budget: `seqwright resume FOLDER --budget +5m`."
        )
    index, answers = common({name: finalist.answers for name, finalist in found.items()})
    targets = listed(bench.development.take(index).targets)
    shares = select(answers, lambda p: bench.score(p, targets), rounds=0 if single else ROUNDS)
    score = bench.score(bundle.blend([answers[n] for n in shares], np.array(list(shares.values()))), targets)
    members = []
    for name, share in shares.items():
        kept = found[name].states[-1:] if single else found[name].states
        members += [bundle.Member(found[name].candidate, share / len(kept), _weights(state)) for state in kept]
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


def _gathered(bench: Workbench, search_folder: Path, finals: Finals) -> "dict[str, Finalist]":
    """The finalists by id: the search's own networks and their refits.

    Where refits trained on every row they take the place of the folds' networks, which saw less.
    """
    found: dict[str, Finalist] = {}
    both = [(search_folder, t) for t in finals.searched] + [(finals.folder, t) for t in finals.refitted]
    for folder, trial in both:
        states = [] if trial.failed else _states(bench, folder, trial)
        if not states:
            continue
        name = codec.identity(trial.proposal.candidate)
        finalist = found.setdefault(name, Finalist(trial.proposal.candidate, [], []))
        if bench.searched > 1 and folder == finals.folder:
            finalist.states = [s for s in finalist.states if s.is_relative_to(finals.folder)]
        finalist.states += states
        if (answers := predictions.load(folder, trial.proposal.number)) is not None:
            finalist.answers.append(answers)
    judged = {name: finalist for name, finalist in found.items() if finalist.answers}
    return judged or _unjudged(bench, found)


def _unjudged(bench: Workbench, found: "dict[str, Finalist]") -> "dict[str, Finalist]":
    """What the smallest budgets leave: a network that no fold has judged. It answers as if it knew nothing."""
    for finalist in found.values():
        valid = bench.folds[0][1]
        classes = len(bench.task.labels)
        steps = [np.full((1, classes), 1 / classes, np.float32)] * len(valid)
        if bench.task.per_step:
            lengths = bench.development.take(valid).targets.lengths
            steps = [np.repeat(s, n, 0) for s, n in zip(steps, lengths, strict=True)]
        finalist.answers.append((valid, steps if bench.task.per_step else np.concatenate(steps)))
    return found


def _states(bench: Workbench, folder: Path, trial: Trial) -> list[Path]:
    """Where the networks of one trial lie: one for each fold that it was trained for."""
    proposal = trial.proposal
    stage, seed = proposal.fidelity.stage, proposal.seed
    which = [seed % len(bench.folds)] if stage == "refit" else range(proposal.fidelity.folds)
    paths = [state_path(folder, codec.identity(proposal.candidate), stage, seed, fold) for fold in which]
    return [path for path in paths if path.exists()]


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
    from_portfolio = leaderboard(t for t in trials if codec.identity(t.proposal.candidate) in begun)
    states = [state for trial in from_portfolio[:1] for state in _states(bench, study.folder, trial)]
    if states:
        rivals = [bundle.Member(from_portfolio[0].proposal.candidate, 1.0, _weights(state)) for state in states]
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
