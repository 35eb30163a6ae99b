"""What an expert types becomes weights at the right questions, multiplies what was there, and mistakes teach."""

from collections import Counter
from random import Random

import pytest

from seqwright.arch.spaces import named
from seqwright.errors import SpaceError
from seqwright.space.census import questions
from seqwright.space.expert import expert, matching, parse
from seqwright.space.fill import answers
from seqwright.space.moves import sample
from seqwright.space.prior import Prior, by_size

TEXT = named("text")
MIXERS = [path for path in questions(TEXT) if path.endswith("/mixer")]


def test_a_pattern_may_begin_in_the_middle_of_a_path_and_leave_labels_out() -> None:
    assert MIXERS and list(matching(TEXT, "/layers/*/mixer")) == MIXERS
    assert list(matching(TEXT, "/layers/1/mixer")) == [path for path in MIXERS if "/layers/1/" in path]
    assert list(matching(TEXT, "/architecture/sequence/body/layers/*/mixer")) == MIXERS
    assert list(matching(TEXT, "/architecture/body/layers/*/mixer")) == MIXERS
    assert list(matching(TEXT, "/body/layers")) == [path for path in questions(TEXT) if path.endswith("/body/layers#")]
    assert list(matching(TEXT, "/recipe/dropout")) == ["/recipe/dropout"]


def test_weights_multiply_those_that_were_there() -> None:
    base = by_size(TEXT)
    path = MIXERS[0]
    question = questions(TEXT)[path]
    labels = question.labels()
    made = expert(TEXT, ["/layers/*/mixer=lstm:3,gru:2", "/layers/0/mixer=lstm:2"], base)
    before, after = base.weights(path, question), made.weights(path, question)
    assert before and after
    factors = {label: a / b for label, a, b in zip(labels, after, before, strict=True)}
    assert factors == pytest.approx({label: {"lstm": 6.0, "gru": 2.0}.get(label, 1.0) for label in labels})
    later = made.weights(MIXERS[-1], question)
    assert later and later[labels.index("lstm")] == pytest.approx(3 * before[labels.index("lstm")])
    other = next(p for p in questions(TEXT) if p not in MIXERS)
    assert made.weights(other, questions(TEXT)[other]) == base.weights(other, questions(TEXT)[other])


def test_a_pattern_in_the_prior_before_is_kept() -> None:
    made = expert(TEXT, ["/recipe/dropout=0.1:4"], Prior({"/recipe/*": {}}))
    question = questions(TEXT)["/recipe/dropout"]
    assert made.weights("/recipe/dropout", question) == [4.0 if label == "0.1" else 1.0 for label in question.labels()]


def test_draws_follow_it() -> None:
    prior = expert(TEXT, ["/architecture=sequence:1e9", "/layers/*/mixer=lstm:8", "/body/layers=1:0"])
    mixers, lengths = Counter[str](), set[int]()
    rng = Random(0)
    asked = questions(TEXT)
    for _ in range(300):
        for path, index in answers(TEXT, sample(TEXT, rng, prior)).items():
            if path in MIXERS:
                mixers[asked[path].labels()[index]] += 1
            if path.endswith("/body/layers#"):
                lengths.add(asked[path].options[index])
    others = len(asked[MIXERS[0]].options) - 1
    share = mixers["lstm"] / mixers.total()
    assert abs(share - 8 / (8 + others)) < 0.08
    assert 1 not in lengths and len(lengths) > 1


def test_a_label_may_hold_a_comma() -> None:
    assert parse("/kernels=(3, 5):2,(7, 9):0.5") == ("/kernels", {"(3, 5)": 2.0, "(7, 9)": 0.5})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lstm:3", r'The prior "lstm:3" is not PATH=LABEL:WEIGHT\. Give for instance /layers/\*/mixer=lstm:3'),
        ("/layers/*/mixer=lstm", r'"lstm" is not LABEL:WEIGHT'),
        ("/layers/*/mixer=lstm:-1", r'"lstm:-1" is not LABEL:WEIGHT'),
        ("/layers/*/mixer=lstm:nan", r"is not LABEL:WEIGHT"),
        ("/layers/*/mixer=lsmt:3", r'nothing at /layers/\*/mixer is labelled "lsmt"\. Did you mean "lstm"\? The opt'),
        ("/recipe/droput=0.1:3", r'No open question is at "/recipe/droput"\. Did you mean "/recipe/dropout"\?'),
        ("/recipe/dropout=0.0:0,0.1:0,0.3:0,0.5:0", r"leaves no option at /recipe/dropout"),
    ],
)
def test_mistakes_teach(text: str, said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        expert(TEXT, [text])
