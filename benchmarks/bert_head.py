"""Heads on a pretrained encoder: what does searching for one add to tuning the learning rate of a linear one?

    python -m benchmarks.bert_head --data PATH --out FOLDER [--sets pairs/rte-500] [--mode frozen] [--quick | --medium]

The search of Kenneweg et al. 2024 (arXiv:2403.18547) with the controls it lacked. Validation is cut from train, test is
read once for each method and seed, and all searches have the same number of trials and the same questions of training
(one learning rate; a second one for the encoder where it is tuned). A seed decides everything drawn: rows, split,
weights, proposals. Ours differs from the paper in a batch of 16 for 500 rows, and as `seqwright.arch.published` says.
What is done is not run again, and what was interrupted goes on from where it stopped.
"""

import argparse
import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks import bert_head_report as report
from benchmarks.bert_head_methods import FULL, MEDIUM, METHODS, QUICK, Form, Method, candidate_of, strategy_of
from benchmarks.tasks import RESULTS, SETS, Benchmark
from seqwright.arch.codec import identity
from seqwright.arch.encoders import Frozen
from seqwright.arch.published import LINEAR
from seqwright.arch.show import line
from seqwright.data import store
from seqwright.data.checkpoint import locate
from seqwright.data.infer import load
from seqwright.data.split import split
from seqwright.deliver import bundle
from seqwright.deliver.networks import states, weights
from seqwright.deliver.protocol import protocol
from seqwright.errors import InputError, SeqwrightError
from seqwright.evaluate import workbench
from seqwright.evaluate.calibrate import calibrate
from seqwright.evaluate.full import FullEvaluator
from seqwright.evaluate.local import LocalPool
from seqwright.evaluate.sweep import Sweep, sweep_unfinished
from seqwright.evaluate.workbench import Workbench
from seqwright.search.leaderboard import leaderboard
from seqwright.search.loop import search
from seqwright.study.record import Trial
from seqwright.study.store import Study
from seqwright.tasks.registry import task_of

SMALL = 500  # rows of train in the small version of a set
NAMES = ("pairs/rte", "text/cola", "text/sst2", "text/trec6", "text/banking77")
CHOICES = tuple(name + version for name in NAMES for version in (f"-{SMALL}", ""))
MODES = ("frozen", "tuned")
FEATURES_BYTES = 16 * 2**30  # of hidden states on disk


def is_small(name: str) -> bool:
    return name.endswith(f"-{SMALL}")


def source(name: str) -> Benchmark:
    """The public set that a name of `CHOICES` is a version of."""
    return next(one for one in SETS if one.name == name.removesuffix(f"-{SMALL}"))


def prepare(name: str, data: Path, folder: Path, seed: int, form: Form, encoder: str) -> Workbench:
    """The rows of a set, or a stratified share of its train's, prepared for the encoder.

    Raises:
        InputError: the files or the encoder cannot be used.
    """
    if (folder / workbench.COMPLETE).exists():
        return workbench.load(folder)
    shutil.rmtree(folder, ignore_errors=True)
    one = source(name)
    given: dict[str, Any] = dict(one.options)
    metric = given.pop("metric", "")
    train = load(data / one.name / one.train, **given)
    test = load(data / one.name / one.test, labels=train.labels, columns=train.columns)
    examples = train.examples
    if is_small(name) and len(examples) > SMALL:
        share = SMALL / len(examples)
        examples = examples.take(split(examples, (share, 0.0, 1 - share), seed=seed)[0])
    cut = protocol(examples, None, test.examples, seed=seed)
    folds = min(form.folds or cut.searched, cut.searched)
    return workbench.build(
        folder,
        task_of(train.kind)(train.labels, metric),
        cut.development,
        cut.test,
        cut.folds,
        folds,
        cut.fit_on,
        seed,
        form.max_length or None,
        {"columns": train.columns, "split": cut.said},
        locate(encoder),
        FEATURES_BYTES,
    )


def run(
    method: Method, bench: Workbench, mode: str, seed: int, form: Form, folder: Path, pool: LocalPool, small: bool
) -> dict[str, Any]:
    """One method with one seed: search, then read test with the networks of its best trial. As JSON data.

    Returns:
        score, answers and targets (of test), task, candidate (in a line), valid, trials, heads, collapsed, failed,
        examples (trained on), wall_s; "error" in place of a score where no trial ended well.
    """
    with Study.begin(folder, {"method": method.name, "mode": mode, "seed": seed, "form": asdict(form)}) as study:
        with study.lease():
            sweep_unfinished(folder)
            strategy = strategy_of(method, bench, mode, small, seed, form)
            evaluator = FullEvaluator(pool, bench.folder, folder, precision="auto")
            search(study, strategy, evaluator, trials=form.trials, on_trial=Sweep(study))
        wall_s, trials = study.spent_s(), study.trials()
        best = next(iter(leaderboard(trials)), None)
        told = {
            "heads": len({identity(t.proposal.candidate) for t in trials}),
            "trials": len(trials),
            "collapsed": sum(any("collapsed" in note for note in t.notes) for t in trials),
            "failed": sum(t.failed for t in trials),
            "examples": _examples(trials),
            "wall_s": round(wall_s, 1),
        }
        if best is None:
            return told | {"error": trials[0].error if trials else "nothing was tried"}
        told |= {"valid": best.score, "candidate": line(best.proposal.candidate)}
        told |= study.once("test", lambda: _read(bench, study, best))  # so that a kill from here on reads it no more
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return told


def _examples(trials: Sequence[Trial]) -> int:
    """Examples trained on in all; a promotion goes on from where it was."""
    most: dict[str, int] = {}
    for trial in trials:
        name, fidelity = identity(trial.proposal.candidate), trial.proposal.fidelity
        most[name] = max(most.get(name, 0), fidelity.examples * fidelity.folds)
    return sum(most.values())


def _read(bench: Workbench, study: Study, best: Trial) -> dict[str, Any]:
    """What the networks of the best trial (one for each fold, their answers averaged) say of test."""
    candidate = best.proposal.candidate
    members = [bundle.Member(candidate, 1.0, weights(state)) for state in states(bench, study.folder, best)]
    test = store.load(bench.folder, "test")
    if candidate.architecture.stem.tuning == Frozen():
        test = replace(test, streams=test.streams | bench.reading(candidate.architecture, test).streams)
    study.reading({"candidate": identity(candidate)})
    answers = bench.task.decode(bundle.Model(bench.task, bench.preparation, members, {}).answer(test))
    metric = bench.task.chosen()
    return {
        "score": float(metric.reduce(metric.statistics(answers, test.targets).sum(0))),
        "answers": np.asarray(answers).tolist(),
        "targets": np.asarray(test.targets).tolist(),
        "task": bench.task.as_data(),
    }


def known(path: Path, form: Form, encoder: str) -> dict[tuple[str, str, str, int], dict[str, Any]]:
    """Finished runs of this form by (set, mode, method, seed); a half-written last line is no run."""
    found = {}
    for text in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            row = json.loads(text)
        except ValueError:  # empty, or half written
            continue
        if (row["form"], row["encoder"]) == (form.name, encoder):
            found[row["set"], row["mode"], row["method"], row["seed"]] = row
    return found


def chosen(patterns: str) -> list[str]:
    """The sets that match one of the comma-separated patterns, small versions first."""
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    return [name for name in CHOICES if any(fnmatchcase(name, pattern) for pattern in wanted)]


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--data", type=Path, required=True, help="the folder that holds text/, pairs/, ...")
    found.add_argument("--out", type=Path, default=Path("runs/benchmarks/bert_head"), help="where results are kept")
    found.add_argument("--sets", default="*", help="names or patterns, separated by commas; all by default")
    found.add_argument("--mode", choices=(*MODES, "both"), default="both", help="of the encoder")
    form = found.add_mutually_exclusive_group()
    form.add_argument("--quick", dest="form", action="store_const", const=QUICK, help="minutes for a small set")
    form.add_argument("--medium", dest="form", action="store_const", const=MEDIUM, help="an hour for a small set")
    form.add_argument("--full", dest="form", action="store_const", const=FULL, help="the paper's protocol (default)")
    found.set_defaults(form=FULL)
    found.add_argument("--seeds", type=int, default=0, help="2 in the quick form, 5 in the others")
    found.add_argument("--encoder", default="auto", help="a name, a folder, or auto for one that is installed")
    found.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that train at once")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    console = Console(width=None if sys.stdout.isatty() else 150)  # a file has room for the whole table
    form, modes = options.form, MODES if options.mode == "both" else (options.mode,)
    if not (sets := chosen(options.sets)):
        console.print(f'No set matches "{options.sets}". There are: {", ".join(CHOICES)}.', style="red", markup=False)
        return 2
    try:
        missing = [name for name in sets if not (options.data / source(name).name / source(name).train).exists()]
        if missing:
            raise InputError(f"{options.data} holds no {', '.join(missing)}. Give the folder above text/.")
        digest = locate(options.encoder).digest
    except SeqwrightError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    options.out.mkdir(parents=True, exist_ok=True)
    results, rows = options.out / RESULTS, []
    with LocalPool(options.workers) as pool:
        for name in sets:
            for mode in modes:
                for seed in range(options.seeds or form.seeds):
                    rows += fill(name, mode, seed, options, digest, results, pool, console)
    report.show(rows, [method.name for method in METHODS], console)
    return 1 if any("error" in row for row in rows) else 0


def fill(
    name: str, mode: str, seed: int, options: Any, digest: str, results: Path, pool: LocalPool, console: Console
) -> list[dict[str, Any]]:
    """The rows of all methods for one set, mode and seed: those that are known, and the others run now."""
    form, done, rows, bench = options.form, known(results, options.form, digest), [], None
    place = options.out / form.name / digest / name.replace("/", "-")
    for number, method in enumerate(METHODS):
        if (row := done.get((name, mode, method.name, seed))) is None:
            console.print(f"{time.strftime('%H:%M:%S')} {name}, {mode}, seed {seed}: {method.name}", markup=False)
            row = {"set": name, "mode": mode, "method": method.name, "seed": seed, "form": form.name, "encoder": digest}
            try:
                if bench is None:
                    bench = prepare(name, options.data, place / f"prepared-{seed}", seed, form, options.encoder)
                    first = candidate_of(LINEAR, bench, mode, is_small(name))
                    # Whoever comes first shall not pay for the encoder's states and for the workers' beginning.
                    bench.reading(first.architecture, bench.development)
                    calibrate(pool, bench, first, options.workers, "auto", "auto", both=False)
                row |= run(method, bench, mode, seed, form, place / f"{mode}-{seed}-{number}", pool, is_small(name))
            except Exception as error:  # one failure is a row, and no reason to lose the others
                console.print(traceback.format_exc(), markup=False, style="red")
                row["error"] = f"{type(error).__name__}: {error}"
            else:
                with results.open("a", encoding="utf-8") as opened:
                    opened.write(f"\n{json.dumps(row)}\n")  # on a line of its own, also after one half written
        rows.append(row)
    return rows


if __name__ == "__main__":
    sys.exit(main())
