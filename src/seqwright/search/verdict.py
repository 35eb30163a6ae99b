"""What became of the supernets of a search, in words, for the report."""

from collections.abc import Iterable, Sequence

from seqwright.search.agreement import Agreement
from seqwright.search.gradient import DERIVED
from seqwright.search.shared import WITHOUT
from seqwright.study.record import CUT_SHORT, Proposal, Trial

ADVICE = "Give it more time, narrow the space (--set, --ban), or choose a strategy that trains each network alone."


def verdict(trials: Sequence[Trial], pending: Iterable[Proposal] = ()) -> str:
    """How far weights of a supernet were of use, and what to do where they were of none; "" where there was nothing.

    Args:
        pending: proposals that the search did not come to the end of.
    """
    supernets = [trial for trial in trials if trial.proposal.fidelity.stage == "supernet"]
    if not supernets and not any(proposal.fidelity.stage == "supernet" for proposal in pending):
        return ""
    agreement, whys = Agreement(trials), [trial.proposal.why for trial in trials]
    alone = f"; then it went on {WITHOUT}" if any(WITHOUT in why for why in whys) else ""
    cut = any(CUT_SHORT in trial.notes for trial in supernets)
    short = "; the clock cut the supernet's training short" if cut else ""
    if agreement.inherited:
        count = len(agreement.inherited)
        return f"{count} candidates scored on a supernet's weights, {agreement} with their own scores{short}{alone}"
    if any(why.startswith(DERIVED) for why in whys):  # a mixture (DARTS) scores nothing, and nobody expects it to
        return short.removeprefix("; ")
    if error := next((trial.error for trial in supernets if trial.failed), ""):
        return f"no supernet could be trained ({error}){alone}"
    if alone:
        return f"nothing was scored on a supernet's weights{short}{alone}"
    trained = "after a supernet was trained" if supernets else "before a supernet was trained"
    return f"the search ended {trained}, and nothing came of it{short}. {ADVICE}"
