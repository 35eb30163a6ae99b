"""An option is worth what its removal costs: selection by perturbation (Wang et al. 2021, DARTS-PT, arXiv:2108.04392).

One gate after the other, in an order drawn by lot: each option is left out in turn, the one whose absence raises the
loss most is kept alone, and the weights are tuned to that. Then, where edges compete, so are they measured. Ours
differs: it measures the loss, which is finer than accuracy, and tunes for as long as there is time, not five epochs.
"""

import math
from collections.abc import Callable, Sequence
from random import Random

from seqwright.nn.gates import Gate

EDGE = "/edge/"
HALF = 0.5  # what the best of the discarded options weighs beside the one that was kept


def decide(
    gates: dict[str, Gate],
    loss: Callable[[], float],
    tune: Callable[[int], bool],
    rises: dict[str, list[float]],
    rng: Random,
) -> None:
    """Measure gate after gate, and keep one option of each.

    Args:
        loss: of the network as its gates are, without training.
        tune: told how many gates are left; trains for a while, and says whether there is time for more.
        rises: what each option's removal costs, by gate; filled, and what it holds is not measured again.
    """
    order = sorted(path for path, gate in gates.items() if len(gate.labels) > 1 and not _shares(path, gates))
    rng.shuffle(order)
    for path in order:
        if path in rises:
            gates[path].keep([_best(gates[path].labels, rises[path])])
    for place, path in enumerate(order):
        if path in rises:
            continue
        gate = gates[path]
        whole, found = loss(), []
        for left_out in gate.labels:
            gate.leave_out(left_out)
            found.append(loss() - whole)
        rises[path] = found
        gate.keep([_best(gate.labels, found)])
        if not tune(len(order) - place):
            return


def edges(gates: dict[str, Gate], loss: Callable[[], float]) -> dict[str, float]:
    """What the removal of each edge that competes with others costs."""
    found: dict[str, float] = {}
    whole, nodes = loss(), [path.rpartition(EDGE)[0] for path in gates]
    for path, gate in gates.items():
        if EDGE in path and nodes.count(path.rpartition(EDGE)[0]) > 1:
            kept = gate.kept
            gate.keep(())
            found[path] = loss() - whole
            gate.kept = kept
    return found


def weights(
    gates: dict[str, Gate], alphas: dict[str, list[float]], rises: dict[str, list[float]], removed: dict[str, float]
) -> dict[str, list[float]]:
    """What was measured in the form of gates' weights; those of gates that were not measured are `alphas`."""
    found = dict(alphas)
    for path, costs in rises.items():
        shares = _softmax(costs)
        found[path] = [1.0 if share == max(shares) else HALF * share / max(shares) for share in shares]
    rivals: dict[str, list[str]] = {}
    for path in removed:
        rivals.setdefault(path.rpartition(EDGE)[0], []).append(path)
    for paths in rivals.values():
        for path, share in zip(paths, _softmax([removed[path] for path in paths]), strict=True):
            found[path] = [share * weight for weight in found[path]]
    for path in gates:
        if _shares(path, gates):  # edges have been measured themselves
            found[path] = [1.0] * len(found[path])
    return found


def _shares(path: str, gates: dict[str, Gate]) -> bool:
    """Whether a gate weighs edges, not options: that of a node with partial channels."""
    return any(other.startswith(path + EDGE) for other in gates)


def _best(labels: Sequence[str], rises: Sequence[float]) -> str:
    return max(zip(rises, labels, strict=True), key=lambda pair: pair[0])[1]


def _softmax(costs: Sequence[float]) -> list[float]:
    """Shares by cost, in units of the largest difference."""
    scale = max(max(costs) - min(costs), 1e-12) / 2
    parts = [math.exp((cost - max(costs)) / scale) for cost in costs]
    return [part / sum(parts) for part in parts]
