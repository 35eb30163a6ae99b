"""What a worker does with a cohort of proposals: they train together, each comes out as from a trial alone."""

import time
from functools import partial
from pathlib import Path
from typing import Any

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.arch.encoders import HeadedEncoder
from seqwright.evaluate import trial
from seqwright.evaluate.pooled_inputs import features_of, frozen, way_of
from seqwright.evaluate.trial import Order
from seqwright.evaluate.workbench import Workbench, load


def run(orders: "list[dict[str, Any]]") -> "list[dict[str, Any]]":
    """Train candidates of the search (not refits) together; for each, in order, its trial.

    They are heads that read pooled features, or whole networks of one architecture, which is worth it on a GPU. A
    member that fails has an "error" in place of its score, and the others theirs.

    Args:
        orders: each the fields of an `Order`, all of one run.
    """
    import torch

    asked = [Order(**order) for order in orders]
    torch.set_num_threads(asked[0].threads)
    began = time.monotonic()
    bench = load(asked[0].prepared)
    everyone: list[Candidate] = [codec.from_data(order.candidate) for order in asked]
    beyond = [trial.refused(order, bench, candidate) for order, candidate in zip(asked, everyone, strict=True)]
    given = [order for order, told in zip(asked, beyond, strict=True) if not told]
    candidates = [candidate for candidate, told in zip(everyone, beyond, strict=True) if not told]
    inputs = {
        way_of(c.architecture): features_of(c.architecture, bench, given[0].precision, given[0].device)
        for c in candidates
        if isinstance(c.architecture, HeadedEncoder)
    }
    runs = _trained(given, candidates, bench, inputs) if given else []
    told = iter([_told(order, c, bench, mine) for order, c, mine in zip(given, candidates, runs, strict=True)])
    share = (time.monotonic() - began) / len(asked)
    return [(refused or next(told)) | {"seconds": share} for refused in beyond]


def _told(order: Order, candidate: Candidate, bench: Workbench, runs: "list[Any]") -> dict[str, Any]:
    if failed := [run for run in runs if isinstance(run, Exception)]:
        return {"error": f"{type(failed[0]).__name__}: {failed[0]}"}
    return trial.judged(order, bench, candidate, runs, list(range(order.folds)))


def _trained(
    orders: "list[Order]", candidates: "list[Candidate]", bench: Workbench, inputs: "dict[str, Any]"
) -> "list[list[Any]]":
    """The runs of each candidate, one a fold, or what went wrong."""
    from seqwright.train.cohort import fit_cohort

    streams = tuple(dict.fromkeys(name for c in candidates for name in c.architecture.streams))
    development = bench.development.only(streams)
    development.streams.update(inputs)
    runs: list[list[Any]] = [[] for _ in orders]
    for fold in range(max(order.folds for order in orders)):
        rows, left = bench.folds[fold]
        train, valid = development.take(rows), development.take(left)
        mine = [k for k, order in enumerate(orders) if fold < order.folds]
        members = [_member(orders[k], candidates[k], bench, len(train), fold) for k in mine]
        judge = partial(bench.score, weights=valid.weights)
        for k, found in zip(mine, fit_cohort(members, train, valid, judge, len(bench.task.labels)), strict=True):
            runs[k].append(found)
    return runs


def _member(order: Order, candidate: Candidate, bench: Workbench, rows: int, fold: int) -> Any:
    import torch

    from seqwright.nn.build import build
    from seqwright.train.cohort import Member
    from seqwright.train.device import device_of

    architecture, recipe = candidate.architecture, candidate.recipe
    if not isinstance(architecture, HeadedEncoder):
        network, plan, state, about = trial.begun(order, bench, candidate, rows, fold)
        return Member(network, recipe, plan, "", architecture.streams, state, architecture, about)
    torch.manual_seed(order.seed)
    network = build(frozen(architecture), bench.interface, recipe.dropout).to(device_of(order.device))
    return Member(
        network,
        recipe,
        trial.plan_of(order, recipe, rows, "float32"),
        way_of(architecture),
        architecture.streams,
        trial.state_path(Path(order.run_folder), codec.identity(candidate), order.stage, order.seed, fold),
    )
