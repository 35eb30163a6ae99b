"""The main job from Python: texts and labels in, a tested model out.

Run as: python examples/classify_texts.py [BUDGET]
"""

import random
import sys

import seqwright

SUBJECTS = ("the film", "this book", "her new record", "the second act", "our dinner", "that hotel")
GOOD = ("delightful", "moving", "worth every minute", "a small wonder")
BAD = ("tedious", "clumsy", "a waste of an evening", "hollow")


def reviews(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Made-up opinions. "not" turns them round, so a bag of words alone will not do."""
    rng = random.Random(seed)
    texts, labels = [], []
    for _ in range(count):
        good, negated = rng.random() < 0.5, rng.random() < 0.3
        words = rng.choice(GOOD if good != negated else BAD)
        texts.append(f"{rng.choice(SUBJECTS)} was {'not ' if negated else ''}{words}")
        labels.append("good" if good else "bad")
    return texts, labels


if __name__ == "__main__":
    budget = sys.argv[1] if len(sys.argv) > 1 else "1m"
    result = seqwright.fit(reviews(600), budget=budget)
    for verdict in result.evidence["verdicts"] if result.evidence else ():
        print(verdict)
    labels, probabilities = seqwright.predict(result.model, ["our dinner was not hollow", "that hotel was clumsy"])
    print(labels, probabilities.max(1).round(3))
    print(f"All of it is in {result.folder}.")
