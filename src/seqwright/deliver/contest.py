"""Strategies side by side: every contender with every seed on every problem, in a folder that survives a kill.

A problem is a table, where trainings are looked up and hundreds of careers take minutes, or a user's data. A career
that is done is a line of `careers.jsonl`; the same command again makes those that are missing, and one with more
strategies or seeds adds to them. All take turns, so that what was cut off still compares them on some seeds.
"""

import hashlib
import json
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from seqwright.deliver.careers import Career, contenders_of, misfits, on_table
from seqwright.deliver.comparison import Comparison, Problem
from seqwright.deliver.show import Quiet, Show
from seqwright.deliver.stopping import Stop, stopping
from seqwright.errors import InputError, StudyError
from seqwright.evaluate import json_lines
from seqwright.evaluate.known_tables import Known, recognised
from seqwright.study.settings import differences

CAREERS, SETTINGS = "careers.jsonl", "compare.json"


def compare(
    data: Any = None,
    *,
    tables: Sequence["Path | str"] = (),
    strategies: str,
    seeds: int = 10,
    trials: int = 100,
    folder: "Path | str",
    jobs: int = 1,
    examples: int = 0,
    show: "Show | None" = None,
    **options: Any,
) -> Comparison:
    """Run every strategy with every seed on data or on tables; the same call on the same folder goes on.

    Args:
        data: as `seqwright.fit` takes it; None where tables are given.
        tables: files in which each training is known; see `evaluate.known_tables.recognised`.
        strategies: "random,evolution,evolution+asha": names of strategies, each with a schedule or without one, which
            means that every training is whole.
        trials: whole trainings that each search may spend; shorter ones count by their share of the examples.
        jobs: processes for tables; on data, trainings that are under way at once.
        examples: of a whole training on data; 0 for what `fit` would take.
        options: of the searches on data; see `seqwright.deliver.options.Options`.

    Raises:
        InputError: what was given cannot be used.
        StudyError: the folder holds another comparison.
    """
    folder, show, names, wrong = Path(folder), show or Quiet(), (), list[str]()
    try:
        names = contenders_of(strategies)
    except InputError as error:
        wrong.append(str(error))
    wrong += [
        f"--{name} {value} is too few. Give {least} or more."
        for name, value, least in (
            ("seeds", seeds, 1),
            ("trials", trials, 1),
            ("jobs", jobs, 1),
            ("examples", examples, 0),
        )
        if value < least
    ]
    if (data is None) == (not tables):
        wrong.append("Give either DATA to train on, or --table FILE with what is known already.")
    if tables and (given := ", ".join(sorted(name for name, value in options.items() if value))):
        wrong.append(f"Only data have these options, and tables do not: {given}. Leave them out.")
    if wrong:
        raise InputError("\n".join(wrong))
    if tables:
        work = _on_tables(folder, [Path(table) for table in tables], names, trials, jobs)
    else:
        work = _on_data(folder, data, names, trials, examples, show, options | {"workers": jobs})
    with work as (problems, play):
        pairs = [(name, seed) for seed in range(seeds) for name in names]
        wanted = [(problem.name, name, seed) for name, seed in pairs for problem in problems]
        done = {career.key: career for career in map(Career.from_data, json_lines.rows(folder / CAREERS))}
        due = [key for key in wanted if key not in done]
        already = f", of which {len(wanted) - len(due)} are done already" if len(due) < len(wanted) else ""
        go_on = f"the same command with -o {folder} goes on there"  # without it, it begins a folder of its own
        show.say(f"{len(wanted)} searches in {folder}{already}; if they are cut off, {go_on}")
        for career in play(due):
            json_lines.add(folder / CAREERS, career.as_data())
            done[career.key] = career
            count = sum(key in done for key in wanted)
            found = career.best_at(trials)
            best = "no training was whole" if found is None else f"{found:.4f}"
            show.say(f"{count}/{len(wanted)}  {career.problem}: {career.contender}, seed {career.seed}: {best}")
    whole = [s for s in range(seeds) if all((p.name, n, s) in done for p in problems for n in names)]
    if not whole:
        raise StudyError(f"{folder}: no seed is done for all strategies yet; {go_on}.")
    careers = tuple(done[key] for key in wanted if key[2] in whole)
    return Comparison(folder, trials, names, tuple(problems), careers)


Play = Callable[[Sequence[tuple[str, str, int]]], Iterator[Career]]  # (problem, contender, seed)s -> their careers


@contextmanager
def _on_tables(
    folder: Path, paths: Sequence[Path], names: Sequence[str], trials: int, jobs: int
) -> Iterator[tuple[list[Problem], Play]]:
    known = {table.name: table for table in map(recognised, paths)}
    if len(known) < len(paths):
        raise InputError(f"Two of the tables have one name: {', '.join(map(str, paths))}. Give each once.")
    if wrong := [text for table in known.values() for text in misfits(table, names)]:
        raise InputError("\n".join(wrong))
    digests = {name: _digest(path) for name, path in zip(known, paths, strict=True)}
    with _settled(folder, {"trials": trials, "tables": digests}), stopping() as stop:

        def play(due: Sequence[tuple[str, str, int]]) -> Iterator[Career]:
            if jobs == 1:
                yield from _until(stop, (on_table(known[where], who, seed, trials) for where, who, seed in due))
                return
            with ProcessPoolExecutor(jobs, get_context("spawn"), _prepare, (paths,)) as pool:
                futures = [pool.submit(_work, *key, trials) for key in due]
                yield from _until(stop, (future.result() for future in as_completed(futures)))
                pool.shutdown(cancel_futures=True)

        yield [Problem(table.name, table.best, table.unit) for table in known.values()], play


@contextmanager
def _on_data(
    folder: Path, data: Any, names: Sequence[str], trials: int, examples: int, show: Show, options: dict[str, Any]
) -> Iterator[tuple[list[Problem], Play]]:
    from seqwright.deliver.gather import Sources
    from seqwright.deliver.options import Options
    from seqwright.deliver.searching import vet_space
    from seqwright.deliver.trained_careers import on_data

    asked, name = Options.of(**options), Path(data).stem if isinstance(data, str | Path) else "data"
    vet_space(asked)
    with (
        _settled(folder, {"trials": trials, "examples": examples}),
        on_data(folder, Sources(data), name, asked, names, trials, examples, show) as career,
    ):

        def play(due: Sequence[tuple[str, str, int]]) -> Iterator[Career]:
            for _, contender, seed in due:
                if (done := career(contender, seed)) is None:
                    return
                yield done

        yield [Problem(name)], play


def _until(stop: Stop, careers: Iterator[Career]) -> Iterator[Career]:
    for career in careers:
        yield career
        if stop():
            return


_KNOWN: dict[str, Known] = {}  # in a worker: the tables, read once


def _prepare(paths: Sequence[Path]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to hear
    _KNOWN.update({known.name: known for known in map(recognised, paths)})


def _work(problem: str, contender: str, seed: int, trials: int) -> Career:
    return on_table(_KNOWN[problem], contender, seed, trials)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@contextmanager
def _settled(folder: Path, settings: dict[str, Any]) -> Iterator[None]:
    """Keep what the careers have in common; nothing is kept of a call that was wrong.

    Raises:
        StudyError: in this folder it was otherwise.
    """
    path = folder / SETTINGS
    if fresh := not path.exists():
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(f"{folder} holds something else. Give a folder that is empty or does not exist yet.")
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=1), "utf-8")
    elif changed := differences(json.loads(path.read_text("utf-8")), settings):
        raise StudyError(
            f"{folder} holds another comparison: {'; '.join(changed)}. Give the same to go on with it, or choose "
            "another folder."
        )
    try:
        yield
    except InputError:
        if fresh and not (folder / CAREERS).exists():
            path.unlink()
            with suppress(OSError):
                folder.rmdir()
        raise
