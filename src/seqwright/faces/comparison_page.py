"""A comparison as it is read: tables on a terminal, and one page of HTML that needs nothing but itself."""

from collections.abc import Iterator
from html import escape
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from seqwright.deliver.comparison import Comparison, Problem
from seqwright.faces.chart import Line, curves, ranks

COSTS = "whole trainings"
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#0f172a;"
    "background:#fff}table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;text-align:right}"
    "td:first-child,th:first-child{text-align:left}th{border-bottom:1px solid #94a3b8}svg{max-width:100%;height:auto}"
)


def head(problem: dict[str, Any]) -> str:
    unit = f" in {problem['unit']}" if problem["unit"] else ""
    shown = f"what is left of the best{unit}" if problem["shown"] == "regret" else "best score on validation"
    seeds = next(iter(problem["contenders"].values()))["seeds"]
    over = f"mean of {seeds} seeds ± half its 95 % interval" if seeds > 1 else "of a single seed"
    return f"{problem['name']}: {shown}, after so many {COSTS}; {over}"


def rows(problem: dict[str, Any], data: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """The head of a table and its lines, the best mean rank first."""
    yield "", *map(str, data["looks"]), "rank", "training s", "own ms", "own share"
    for name, rank in data["ranks"].items():
        row = problem["contenders"][name]
        told = [
            f"{m:.3f} ± {(hi - lo) / 2:.3f}" if row["seeds"] > 1 else f"{m:.3f}"
            for m, lo, hi in zip(row["mean"], row["low"], row["high"], strict=True)
        ]
        took = (f"{row['training_s']:.4g}", f"{row['own_share']:.1%}") if row["training_s"] else ("not known", "")
        yield name, *told, f"{rank:.2f}", took[0], f"{row['own_ms']:.1f}", took[1]


def printed(data: dict[str, Any]) -> Iterator[Table | str]:
    """A title and two tables for each problem, of `Comparison.as_data`: what was found, and what that took."""
    for problem in data["problems"]:
        whole = list(rows(problem, data))
        found = len(data["looks"]) + 2
        yield head(problem)
        yield _table([row[:found] for row in whole])
        yield _table([(row[0], *row[found:]) for row in whole])


def _table(whole: list[tuple[str, ...]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, name in enumerate(whole[0]):
        table.add_column(name, justify="right" if place else "left", no_wrap=not place)
    for row in whole[1:]:
        table.add_row(*row)
    return table


def picture(comparison: Comparison, problem: Problem) -> str:
    """Its anytime curves, the best in the end first."""
    lines: list[Line] = []
    for name in comparison.ranking().names:
        curve = comparison.curve(problem, name)
        lines.append(
            Line(name, *(np.asarray(part).tolist() for part in (curve.cost, curve.mean, curve.low, curve.high)))
        )
    shown = "best score so far" if problem.best is None else f"left of the best, {problem.unit}".rstrip(", ")
    return curves(lines, problem.name, COSTS, shown, log=problem.best is not None)


def page(comparison: Comparison) -> str:
    """The whole comparison as HTML."""
    data = comparison.as_data()
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Strategies compared</title>",
        f"<style>{STYLE}</style><h1>Strategies compared</h1><p>{escape(data['verdict'])}</p>",
        ranks(comparison.ranking()),
    ]
    for problem, told in zip(comparison.problems, data["problems"], strict=True):
        first, *rest = rows(told, data)
        cells = "".join(f"<th>{escape(cell)}</th>" for cell in first)
        lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rest)
        parts += [f"<h2>{escape(head(told))}</h2>", picture(comparison, problem)]
        parts.append(f"<table><tr>{cells}</tr>{lines}</table>")
    parts.append(
        "<p>A rank is the mean over seeds and problems of the place at the end; 1 is best. A shorter training counts "
        "as its share of a whole one; who has none whole yet counts as the least first find of all. Training seconds "
        "are those of all trials of a search; its own ms are the processor's time a proposal, asking and "
        "telling, and its own share is what that is of the training.</p></html>"
    )
    return "\n".join(parts) + "\n"
