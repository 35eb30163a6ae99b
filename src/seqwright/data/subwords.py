"""Subwords: byte-pair encoding over bytes (Sennrich et al. 2016, arXiv:1508.07909), so nothing is unknown.

Trained and run by the `tokenizers` library; its own file format is the state. The ids of padding, unknown and
separator are ours and come before the library's, so no text can spell them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seqwright.arch.interface import Stream
from seqwright.data.examples import Ragged
from seqwright.data.words import OWN, Corpus
from seqwright.errors import BundleError

MOST_SUBWORDS = 8192
READ_AT_MOST = 8192  # characters of one text: far above any limit on steps


@dataclass(frozen=True)
class SubwordIds:
    """The `subwords` stream: lower-cased, at most 8,192 pieces and fewer for small data."""

    tokenizer_json: str

    @staticmethod
    def fit(corpus: Corpus, most: int = MOST_SUBWORDS) -> "SubwordIds":
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE())
        # The library's type hints do not know that these are settable.
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])  # type: ignore
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)  # type: ignore
        tokenizer.decoder = decoders.ByteLevel()  # type: ignore
        size = min(most, max(512, len(corpus.lower[0]) // 2))  # more pieces than half the words would be the words
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            min_frequency=2,
            show_progress=False,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        )
        tokenizer.train_from_iterator(readable(corpus), trainer)
        return SubwordIds(tokenizer.to_str())

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        return Tokenizer.from_str(self.tokenizer_json)

    def encode(self, corpus: Corpus) -> Ragged:
        pieces = [encoding.ids for encoding in self._tokenizer.encode_batch(readable(corpus))]
        offsets = np.zeros(len(pieces) + 1, np.int64)
        np.cumsum([len(ids) for ids in pieces], out=offsets[1:])
        flat = np.fromiter((i for ids in pieces for i in ids), np.int32, int(offsets[-1]))
        return Ragged(flat + np.int32(OWN), offsets)

    def stream(self, length: int) -> Stream:
        return Stream("tokens", OWN + self._tokenizer.get_vocab_size(), length)

    def as_data(self) -> dict[str, Any]:
        return {}  # the state is the tokenizer's own file

    @staticmethod
    def read(tokenizer_json: str) -> "SubwordIds":
        """Raises: BundleError when the library cannot read it."""
        subwords = SubwordIds(tokenizer_json)
        try:
            subwords._tokenizer.get_vocab_size()
        except Exception as error:  # the library raises bare exceptions
            raise BundleError(f"tokenizer.json is damaged ({error}). Take the bundle anew.") from error
        return subwords


def readable(corpus: Corpus) -> list[str]:
    """The texts as the library takes them."""
    # Lone surrogates cannot cross into the library; they become question marks.
    return [text[:READ_AT_MOST].encode("utf-8", "replace").decode("utf-8") for text in corpus.texts]
