"""The last stage: choose on validation, read test once, write the bundle."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import seqwright
from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.data.examples import listed
from seqwright.deliver import bundle, frugal, refine
from seqwright.deliver.card import card
from seqwright.deliver.ensemble import ROUNDS, common, select
from seqwright.deliver.evidence import Evidence, times
from seqwright.deliver.gather import facts
from seqwright.deliver.measuring import measure
from seqwright.deliver.networks import member_of, states
from seqwright.deliver.refitting import Finals, earlier
from seqwright.deliver.run import Run
from seqwright.deliver.searching import space_of
from seqwright.deliver.strategies import schedule_of
from seqwright.errors import SeqwrightError
from seqwright.evaluate import predictions
from seqwright.evaluate.workbench import Workbench
from seqwright.search.auto import choices
from seqwright.search.objectives import is_beyond, limits_of, lowered, none_obeys
from seqwright.search.verdict import verdict
from seqwright.study.record import CUT_SHORT


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


def deliver(run: Run, bench: Workbench, finals: Finals, baselines: "Mapping[str, Mapping[str, Any]]") -> Delivery:
    """Choose, measure, write.

    Args:
        finals: what `refit` gave; without any refits the search's own networks are delivered.

    Raises:
        SeqwrightError: no trial ended well, so there is nothing to deliver.
    """
    run.begin("test")
    study, objectives = run.study, run.options.objectives
    single = run.options.single or bool(lowered(objectives))
    trials = study.trials()
    found = {  # earlier ones first: of equals, that with more networks
        f"{one.folder.name} {name}": finalist
        for one in [*earlier(study, finals), finals]
        for name, finalist in gathered(bench, study.folder, one).items()
    }
    if not found:
        errors = sorted({t.error for t in trials if t.failed})
        if none_obeys(trials):
            raise SeqwrightError(
                f"No network that was tried obeys --limit {' --limit '.join(run.options.limit)}, so none was trained "
                f"and nothing is delivered: {'; '.join(errors[:3])}. Raise the limit in a new folder, or "
                f"search on: `seqwright resume {study.folder} --budget +5m`."
            )
        raise SeqwrightError(
            "No network was trained to its end, so there is nothing to deliver."
            + (f" What went wrong: {'; '.join(errors[:3])}." if errors else "")
            + (
                " The same command goes on from here."
                if run.stopped()
                else f" Give a larger budget: `seqwright resume {study.folder} --budget +5m`."
            )
        )
    index, answers = common({name: finalist.answers for name, finalist in found.items()})
    known = bench.known(index)
    targets = listed(known.targets)
    shares = select(
        answers,
        lambda p: bench.score(p, targets, known.weights),
        lambda p: bench.likelihood_at(index, p),
        rounds=0 if single else ROUNDS,
    )
    costs: dict[str, float] = {}
    if objectives:
        shares, single, costs = _frugal(run, bench, found, index, answers, shares, single)
    if run.options.strategy == refine.STRATEGY:
        shares = _refined(run, bench, found, index, answers)
    score = bench.score_at(index, bundle.blend([answers[n] for n in shares], np.array(list(shares.values()))))
    members = []
    for name, share in shares.items():
        kept = found[name].states[-1:] if single else found[name].states
        members += [member_of(found[name].candidate, state, share / len(kept)) for state in kept]
    evidence = measure(run, bench, members, trials, baselines)
    story = _story(run, bench, evidence) | {"validation": f"{bench.task.chosen().name} {score:.4f} of what was chosen"}
    if costs:
        said = ", ".join(f"{name} {cost:,.4g}" for name, cost in costs.items())
        story["costs"] = said + (f"; limits {', '.join(run.options.limit)}" if run.options.limit else "")
        run.show.say(f"what is delivered costs {story['costs']}")
    folder = study.folder / "best"
    text = card(bench.task, members, evidence, story, seqwright.__version__)
    bundle.write(folder, bench.task, bench.preparation, members, facts(bench)["columns"], text)
    told = {"budget": str(run.budget), "score": score, "seconds": study.spent_s(), "stopped": run.stopped()}
    told |= {"costs": costs} if costs else {}
    study.event("delivered", told)
    if run.stopped():
        run.show.say("stopped before the budget was used: the same command goes on from here")
    if evidence:
        run.show.evidence(evidence)
    return Delivery(folder, score, evidence, len(members))


def _refined(
    run: Run, bench: Workbench, found: "Mapping[str, Finalist]", index: np.ndarray, answers: "Mapping[str, Any]"
) -> "dict[str, float]":
    """What was given or a rewriting of it, alone; the verdict is told and kept."""
    candidates = {name: finalist.candidate for name, finalist in found.items()}
    kept, verdict = refine.decide(bench, space_of(run.options, bench), candidates, index, answers)
    refine.save(run.study.folder, candidates[kept])
    run.study.event("refined", verdict.as_data())
    run.show.say(verdict.said)
    return {kept: 1.0}


def _frugal(
    run: Run,
    bench: Workbench,
    found: "Mapping[str, Finalist]",
    index: np.ndarray,
    answers: "Mapping[str, Any]",
    shares: "dict[str, float]",
    single: bool,
) -> "tuple[dict[str, float], bool, dict[str, float]]":
    """The shares of what is delivered where cost is minded, whether each is one network, and what they cost."""
    names, objectives = tuple(o.name for o in run.options.objectives), run.options.objectives
    alone = {name: frugal.costs_of([found[name].candidate], bench.interface, names) for name in answers}
    score = {name: bench.score_at(index, own) for name, own in answers.items()}
    by_score = sorted(answers, key=lambda name: -score[name])
    if lowered(objectives):
        near = frugal.near_best(bench, index, answers)
        cheap = sorted(near, key=lambda name: (frugal.together(alone[name], lowered(objectives)), -score[name]))
        tries = [({name: 1.0}, True) for name in dict.fromkeys([*cheap, *by_score])]
    else:
        tries = [(shares, single), *(({name: 1.0}, True) for name in by_score)]

    def cost(one: "tuple[dict[str, float], bool]") -> dict[str, float]:
        counts = {name: 1 if one[1] else len(found[name].states) for name in one[0]}
        return {each: sum(alone[name][each] * count for name, count in counts.items()) for each in names}

    (shares, single), costs, broken = frugal.obeying(tries, cost, limits_of(objectives))
    if broken:
        run.show.say(f"NOTHING that was trained obeys the limits; what is delivered comes nearest: {broken}")
    return shares, single, costs


def gathered(bench: Workbench, search_folder: Path, finals: Finals) -> "dict[str, Finalist]":
    """The finalists by id: the search's own networks and their refits.

    Where refits trained on every row they take the place of the folds' networks, which saw less. What the search's
    network answered counts though its weights were swept, or candidates might have no example to be compared on.
    """
    found: dict[str, Finalist] = {}
    both = [(search_folder, t) for t in finals.searched] + [(finals.folder, t) for t in finals.refitted]
    for folder, trial in both:
        name, refitted = codec.identity(trial.proposal.candidate), folder == finals.folder
        kept = [] if trial.failed else states(bench, folder, trial)
        half_trained = refitted and CUT_SHORT in trial.notes
        if trial.failed or (refitted and not kept) or (half_trained and name in found and found[name].states):
            continue
        finalist = found.setdefault(name, Finalist(trial.proposal.candidate, [], []))
        if bench.searched > 1 and refitted:
            finalist.states = [s for s in finalist.states if s.is_relative_to(finals.folder)]
        finalist.states += kept
        if (answers := predictions.load(folder, trial.proposal.number)) is not None:
            finalist.answers.append(answers)
    found = {name: finalist for name, finalist in found.items() if finalist.states}
    judged = {name: finalist for name, finalist in found.items() if finalist.answers}
    return judged or _unjudged(bench, found)


def _unjudged(bench: Workbench, found: "dict[str, Finalist]") -> "dict[str, Finalist]":
    """What the smallest budgets leave: a network that no fold has judged. It answers as if it knew nothing."""
    for finalist in found.values():
        valid = bench.folds[0][1]
        classes = len(bench.task.labels)
        steps = [np.full((1, classes), 1 / classes, np.float32)] * len(valid)
        if bench.task.per_step:
            lengths = bench.known(valid).targets.lengths
            steps = [np.repeat(s, n, 0) for s, n in zip(steps, lengths, strict=True)]
        finalist.answers.append((valid, steps if bench.task.per_step else np.concatenate(steps)))
    return found


def _story(run: Run, bench: Workbench, evidence: Evidence | None) -> "dict[str, str]":
    """How the model was found, for its card."""
    trials = run.study.trials()
    over = sum(map(is_beyond, trials))
    failed = sum(t.failed for t in trials) - over
    collapsed = sum(any("collapsed" in note for note in t.notes) for t in trials)
    compared = len({codec.identity(t.proposal.candidate) for t in trials if not t.failed and t.proposal.fidelity.alone})
    options = run.options
    return {
        "budget": f"{run.budget}, of which {run.study.spent_s():.0f} s were used",
        "data": facts(bench)["split"],
        "search": f"{options.searcher} with {schedule_of(options.searcher, options.schedule)}, seed {options.seed}",
        **({"chosen by auto": arms} if (arms := choices(trials)) else {}),
        "compared": f"{compared} candidates in {len(trials)} trials"
        + ("" if compared else ", so this is the network that the search would have begun with"),
        **({"shared weights": shared} if (shared := verdict(trials, run.study.pending())) else {}),
        "went wrong": f"{failed} trials failed, {collapsed} collapsed to one class"
        + (f", {over} cost too much to be trained" if over else ""),
        "test split": f"read {times(evidence.readings)}" if evidence else "not read",
    }
