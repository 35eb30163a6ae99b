import pytest

from seqwright.errors import BudgetError
from seqwright.search.budget import Budget


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (" 10 min ", 600),
        ("1d", 86400),
        (".5m", 30),
    ],
)
def test_reads_time(text: str, seconds: float) -> None:
    assert Budget.parse(text) == Budget(seconds=seconds)


@pytest.mark.parametrize("text", ["50trials", "50 trials", "50TRIAL"])
def test_reads_trials(text: str) -> None:
    assert Budget.parse(text) == Budget(trials=50)


@pytest.mark.parametrize("text", ["90s", "1m30s", "10m", "2h", "1d2h", "50 trials", "1 trial", "+10m", "+3 trials"])
def test_what_is_printed_reads_back(text: str) -> None:
    budget = Budget.parse(text)
    assert Budget.parse(str(budget)) == budget


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("+", "is empty"),
        ("0m", "is zero"),
        ("0trials", "is zero"),
        ("-5m", "is negative"),
        ("10", 'Write "10m" for minutes'),
        ("5x", 'unknown unit "x"'),
        ("5minuts", 'Did you mean "minutes"?'),
        ("soon", "not a number and a unit"),
        ("nan", "not a number and a unit"),
        ("inf", "not a number and a unit"),
        ("1e3s", 'unknown unit "e"'),
        ("2.5trials", "a part of a trial"),
        ("10m5trials", "trials stand alone"),
        ("9999d", "more than a year"),
        ("99999999999trials", "more than 10,000,000"),
    ],
)
def test_teaches(text: str, says: str) -> None:
    with pytest.raises(BudgetError, match=r"budget") as caught:
        Budget.parse(text)
    assert says in str(caught.value)
    assert caught.value.exit_code == 2


def test_adds() -> None:
    assert Budget.parse("10m").plus(Budget.parse("+5m")) == Budget(seconds=900)
    assert Budget.parse("10trials").plus(Budget.parse("+5trials")) == Budget(trials=15)
    assert Budget.parse("10m").plus(Budget.parse("5trials")) == Budget(trials=5)
    with pytest.raises(BudgetError, match="the one counts time, the other trials"):
        Budget.parse("10m").plus(Budget.parse("+5trials"))
