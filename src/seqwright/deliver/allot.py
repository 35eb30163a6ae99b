"""The budget as a contract: how much of it baselines, search, refit and the end may take.

Shares are of the whole budget, counted from the first second of the first command; the end's reserve grows
with the budget and never falls below what loading torch and writing a bundle cost.
"""

from dataclasses import dataclass

BASELINES, SEARCH = 0.2, 0.65  # until these shares of the budget are spent
RESERVE_S, RESERVE = 3.0, 0.03  # kept back for test, bundle and card
# A tuned encoder is delivered as the search left it, since to refit it costs as much again; and it answers slowly.
ENCODER_SEARCH, ENCODER_RESERVE = 0.85, 0.06


@dataclass(frozen=True)
class Allotment:
    """Seconds since the start by which each part has to be over; None where no clock runs."""

    baselines_s: float | None
    search_s: float | None
    refit_s: float | None

    def quote(self) -> str:
        if self.search_s is None or self.refit_s is None or self.baselines_s is None:
            return "no clock: baselines, the trials asked for, then refits of the finalists"
        return (
            f"baselines until {clock(self.baselines_s)} at the latest, search until {clock(self.search_s)}, "
            f"refits until {clock(self.refit_s)}, then test and bundle"
        )


def allot(seconds: "float | None", encoder: bool = False) -> Allotment:
    """Divide a budget of `seconds`.

    Args:
        encoder: whether a pretrained encoder is at hand.
    """
    if seconds is None:
        return Allotment(None, None, None)
    search, reserve = (ENCODER_SEARCH, ENCODER_RESERVE) if encoder else (SEARCH, RESERVE)
    end = seconds - max(RESERVE_S, reserve * seconds)
    return Allotment(BASELINES * seconds, min(search * seconds, end), end)


def clock(seconds: float) -> str:
    """'0:45', '12:00', '2:00:00'."""
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
