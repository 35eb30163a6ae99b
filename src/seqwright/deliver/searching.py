"""The stage of the search: the space as the user narrowed it, the fidelities the clock allows, the strategy."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from seqwright.arch.binding import bound, encoders
from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import space_to_data
from seqwright.arch.portfolio import FINE_TUNED, FINE_TUNED_TOO, Portfolio, portfolio
from seqwright.arch.published_portfolios import MAKERS as PUBLISHED
from seqwright.arch.published_spaces import fitted
from seqwright.arch.spaces import load, suited
from seqwright.data.examples import Ragged
from seqwright.deliver.encoder import named_for
from seqwright.deliver.options import Options
from seqwright.deliver.refine import SPACE as REWRITINGS
from seqwright.deliver.refine import STRATEGY, given_in
from seqwright.deliver.run import Run
from seqwright.deliver.rungs import encoder_rungs_of, finer, keeps_states, rungs_of
from seqwright.deliver.sieving import Sieve
from seqwright.deliver.strategies import STRATEGIES, evaluation_of, strategy_named
from seqwright.deliver.suiting import suits_some
from seqwright.errors import BundleError, InputError
from seqwright.evaluate.costs import counter
from seqwright.evaluate.full import FullEvaluator
from seqwright.evaluate.sweep import Sweep
from seqwright.evaluate.workbench import Workbench
from seqwright.search.front import Frontier
from seqwright.search.limits import Limits
from seqwright.search.loop import search
from seqwright.search.objectives import COSTS, limits_of, lowered
from seqwright.search.sieve import filter_of
from seqwright.search.strategy import Strategy
from seqwright.search.verdict import verdict
from seqwright.search.within import Constrained, Count, Within
from seqwright.space.census import questions
from seqwright.space.expert import expert
from seqwright.space.narrow import ban, fix
from seqwright.space.nodes import Space
from seqwright.space.prior import Prior, by_size
from seqwright.study.record import Fidelity, Trial

SPACE = "space"  # the event that keeps the space of a search
FAVOURED = {"pretrained": 6.0, "sequence": 1.0, "bag": 1.0}  # what learns fastest, per second and per example
LAST_S = 2.0  # to write a large network's last state; its last look takes a third of the time of training as long
UNEQUAL = 3.0  # the largest class holds so many times the smallest
BALANCE = "/recipe/class_balance"


def space_of(options: Options, bench: Workbench) -> Space:
    """The space over candidates that the options and the data describe; see `narrowed`."""
    space = narrowed(options, named_for(bench.task.space, bench.encoder))
    if bench.encoder is not None:
        space = bound(space, bench.encoder.digest)
    elif encoders(space):
        raise InputError(
            f"The space {options.space or bench.task.space} has heads on a pretrained encoder, and this run has none. "
            'Give --encoder a folder or a name, run pip install "seqwright[minilm]" for one that is found by itself, '
            "or choose another --space."
        )
    if (balance := balance_of(bench)) and BALANCE not in " ".join(options.fix):
        space = fix(space, BALANCE, balance)
    space = suited(space, len(bench.task.inputs))
    return fitted(space, dict(bench.interface.streams), bench.task.per_step)


def narrowed(options: Options, name: str) -> Space:
    """The space of that name, or the user's own, as the options narrow it.

    Raises:
        InputError: no such space or file, a file that is no space, a narrowing that matches nothing.
    """
    if both := [name for name in options.require if name in options.ban]:
        raise InputError(f"--require and --ban both name {', '.join(both)}. Leave one of them out.")
    space = load(options.space or name)
    for text in options.fix:
        path, mark, value = text.rpartition("=")
        if not mark or not path:
            raise InputError(f'--set "{text}" is not PATH=VALUE. Give for instance /architecture/body/width=64.')
        space = fix(space, path, value)
    for pattern in options.ban:
        space = ban(space, pattern)
    return space


def balance_of(bench: Workbench) -> float:
    """How far classes are weighed up in training: half way where they are unequal and the metric minds each alike."""
    if "accuracy" in bench.task.chosen().name:
        return 0.0
    targets = bench.development.targets
    flat = targets.values if isinstance(targets, Ragged) else targets
    counts = np.bincount(flat[flat >= 0])
    return 0.5 if counts.max() >= UNEQUAL * counts[counts > 0].min() else 0.0


def portfolio_of(options: Options, bench: Workbench) -> Portfolio:
    """Where the search begins: the winner of `--start`, a published space's winners, the task's hand-made networks."""
    if options.strategy == STRATEGY:
        return (("what is to be rewritten", given_in(space_of(options, bench))),)
    published = portfolio(options.space) if options.space in PUBLISHED else ()
    balance = balance_of(bench)
    made = tuple(
        (name, replace(candidate, recipe=replace(candidate.recipe, class_balance=balance)))
        for name, candidate in (*published, *portfolio(named_for(bench.task.portfolio, bench.encoder)))
    )
    if bench.encoder is not None:
        made = tuple((name, bound(candidate, bench.encoder.digest)) for name, candidate in made)
    begun: Portfolio = ()
    if options.start:
        from seqwright.deliver import bundle

        try:
            model = bundle.load(options.start)
        except BundleError as error:
            raise InputError(f"--start: {error}") from error
        begun = tuple((f"winner of {options.start}", m.candidate) for m in model.members)
    return begun + made


def strategy_of(
    options: Options,
    space: Space,
    begun: Portfolio,
    rungs: tuple[Fidelity, ...],
    trials: "int | None",
    count: "Count | None" = None,
    choose: "Sieve | None" = None,
) -> Strategy:
    """The strategy with its schedule around it, within the limits.

    Args:
        count: what a candidate costs before training; needed where there are limits.
        choose: among candidates before training; needed where there is a filter that is no rung.
    """
    limits = Limits(space, require=options.require) if options.require else None
    most = limits_of(options.objectives)
    within = Within(space, most, count, limits) if most and count is not None else None
    expected = None if trials is None else max(1, math.ceil(trials * 0.7))
    common: dict[str, Any] = {
        "seed": options.seed,
        "portfolio": begun,
        "admissible": within or limits,
        "objectives": lowered(options.objectives),
        "sieve": (sieve.of, choose) if choose and (sieve := filter_of(options.filter)) and sieve.of else None,
        "prior": prior_of(space, options.prior),
    }
    # Plain fine-tuning is a baseline as well, so it is trained to its end whatever comes of its beginning.
    straight = [place for place, (name, _) in enumerate(begun) if name in (FINE_TUNED, FINE_TUNED_TOO)]
    kinds = (options.searcher, options.schedule, space, rungs, expected, straight, options.evaluate)
    made = strategy_named(*kinds, **common)
    return made if within is None else Constrained(made, within)


def prior_of(space: Space, wishes: Sequence[str] = ()) -> Prior:
    """Weights for draws: by size, or half of all would be bags; most are heads on an encoder where those are a kind.

    Args:
        wishes: of the user's, which multiply these.
    """
    kinds = questions(space).get("/architecture")
    labels = () if kinds is None else kinds.labels()  # the user may have banned some
    favoured = {"/architecture": {kind: weight for kind, weight in FAVOURED.items() if kind in labels}}
    usual = by_size(space, favoured if "pretrained" in labels else None)
    return expert(space, wishes, usual) if wishes else usual


def vet_space(options: Options) -> None:
    """Find what is wrong with a space that the user named before the data are read, which may take long.

    Raises:
        InputError: see `narrowed`.
    """
    if options.space:
        narrowed(options, options.space)


def vet(run: Run, bench: Workbench) -> None:
    """Find what is wrong with the options before any of the budget is spent.

    Raises:
        InputError: a space, a narrowing, a start, a limit or a device that cannot be used.
    """
    options = run.options
    space = space_of(options, bench)
    if options.strategy == STRATEGY:
        if Path(options.space).name != REWRITINGS:
            raise InputError(
                f"--strategy {STRATEGY} knows spaces of rewritings alone. Give `seqwright refine NETWORK --data FILE`, "
                "which makes one, or another strategy."
            )
        reads, there = given_in(space).architecture.streams, dict(bench.interface.streams)
        if missing := [name for name in reads if name not in there]:
            raise InputError(
                f"The network to refine reads {', '.join(missing)}, and these data have {', '.join(there)}. "
                "Give data of the kind that it was made for."
            )
    strategy_of(options, space, portfolio_of(options, bench), (Fidelity(1),), run.budget.trials)
    if bench.encoder is None:  # with one, its heads suit all data that have pieces
        suits_some(space, bench.interface, options.space)
    if options.limit:
        first_of(options, bench)
    if options.objective and not STRATEGIES[options.searcher].several:
        run.show.say(
            f"{options.searcher} raises the score alone; costs are lowered by what schedules promote and by the choice "
            "at the end. --strategy nsga2 seeks the whole front."
        )
    if (sieve := filter_of(options.filter)) and bench.encoder is not None and not sieve.of:
        raise InputError(f"--filter {options.filter} is for networks that train from scratch: give --encoder none.")
    if sieve and not sieve.of and evaluation_of(options.searcher, options.evaluate) != "full":
        run.show.say(
            f"--filter {options.filter} is a rung of what trains alone, and scores on a supernet's weights do without. "
            f"--filter {sieve.name}:0.5 chooses there too."
        )
    if "joules" in {o.name for o in options.objectives}:
        from seqwright.nn.timing import readable

        if reason := readable():
            raise InputError(f"joules cannot be measured: {reason} Ask for latency_ms or flops instead.")
    if options.device not in ("auto", "cpu"):
        from seqwright.train.device import device_of

        device_of(options.device)


def first_of(options: Options, bench: Workbench) -> Candidate:
    """The candidate that a random search would begin with: inside the space, as the options narrow it, and the limits.

    Raises:
        InputError: nothing in the space obeys the limits.
    """
    space, begun, count = space_of(options, bench), portfolio_of(options, bench), counter(bench.interface)
    plain = replace(options, strategy="random", schedule="", evaluate="")
    if found := strategy_of(plain, space, begun, (Fidelity(1),), None, count).ask(1):
        return found[0].candidate
    most = {name: limit for name, limit in limits_of(options.objectives).items() if not COSTS[name].measured}
    costs = [count(candidate, tuple(most)) for _, candidate in begun] if most else []
    seen = [f"{name} {min(cost[name] for cost in costs):,.4g}" for name in most if costs]
    raise InputError(
        f"No network of the space obeys --limit {' --limit '.join(options.limit)}."
        + (f" The least among hand-made ones: {', '.join(seen)}." if seen else "")
        + " Raise a limit, or give another --space."
    )


def explore(run: Run, bench: Workbench, evaluator: FullEvaluator, examples_per_s: "float | None") -> None:
    """Search until the budget's share for it is spent.

    Args:
        examples_per_s: what one slot trains of the portfolio's networks; None when no clock runs.
    """
    ends = run.plan.search_s
    run.begin("search", ends)
    run.show.earlier(run.study.trials())
    if run.stopped():
        return  # nothing is to be decided in haste that later commands would be bound by
    begun = portfolio_of(run.options, bench)

    def decide() -> "list[list[int]]":
        """Rungs depend on the clock, so they are decided once and kept."""
        rows, batch = len(bench.folds[0][0]), begun[0][1].recipe.batch_size
        if bench.encoder is not None:
            rungs = encoder_rungs_of(rows, bench.searched, batch, run.left(ends), examples_per_s, kept)
        else:
            rungs = rungs_of(rows, bench.searched, batch, run.left(ends), evaluator.slots, examples_per_s)
        if run.options.schedule == "freeze-thaw":
            rungs = finer(rungs)
        return [[rung.examples, rung.folds] for rung in rungs]

    def keep() -> bool:
        return keeps_states(len(bench.development), run.left(ends), evaluator.executor.slots, examples_per_s)

    kept = bench.encoder is None or run.study.once("states kept", keep)
    evaluator.keep_states = kept
    rungs = tuple(Fidelity(examples, folds) for examples, folds in run.study.once("rungs", decide))
    space = space_of(run.options, bench)
    run.study.once(SPACE, lambda: space_to_data(space))  # for those who read the study later
    sweep = Sweep(run.study)
    evaluator.thaw_at = rungs[0].examples
    sieve, choose = filter_of(run.options.filter), None
    if sieve is not None and sieve.of:
        choose = Sieve(run.study, bench, sieve.name)
    elif sieve is not None:
        rungs = (sieve.rung(rungs[0].folds), *rungs)
    objectives = run.options.objectives
    evaluator.costs, evaluator.limits = tuple(o.name for o in objectives), limits_of(objectives)
    frontier = Frontier(run.study, lowered(objectives)) if lowered(objectives) else None

    def ended(trial: Trial) -> None:
        run.show.trial(trial)
        sweep(trial)
        if frontier is not None:
            frontier(trial)

    # A trial that is cut short still has a score, unless it had to see several folds. A large one takes time over it.
    last_look_s = 0.0
    if bench.encoder is not None and examples_per_s is not None:
        last_look_s = LAST_S + len(bench.folds[0][1]) / examples_per_s
    evaluator.stop_at = run.at(ends if ends is None else ends - last_look_s) if bench.searched == 1 else None
    search(
        run.study,
        strategy_of(run.options, space, begun, rungs, run.budget.trials, counter(bench.interface), choose),
        evaluator,
        stop=run.over(ends, grace_s=1.0),
        closing=run.over(None if ends is None else ends - last_look_s),
        trials=run.budget.trials,
        asynchronous=run.options.asynchronous,
        on_trial=ended,
    )
    if said := verdict(run.study.trials(), run.study.pending()):
        run.study.event("shared weights", said)
        run.show.say(f"shared weights: {said}")
