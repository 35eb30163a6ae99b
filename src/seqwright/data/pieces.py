"""Pieces: a pretrained encoder's own tokenizer, with the special pieces where the encoder expects them.

A text is cut before its special pieces are added, so that none is lost, and never exceeds what the encoder reads at
once. No text can spell a special piece.
"""

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from seqwright.arch.interface import Stream
from seqwright.data.checkpoint import Checkpoint, settings
from seqwright.data.examples import Ragged
from seqwright.data.finding import Finding
from seqwright.data.limits import limit
from seqwright.data.sides import joined
from seqwright.data.subwords import readable
from seqwright.data.words import Corpus
from seqwright.errors import BundleError, InputError

PRETRAINED = "pretrained"  # the stream


@dataclass(frozen=True)
class Pieces:
    """The `pretrained` stream.

    Args:
        checkpoint: the encoder that it is for.
        tokenizer_json: its tokenizer, in the format of the `tokenizers` library.
        empty: the piece that stands for a text without any, and between two texts where the tokenizer puts nothing.
    """

    checkpoint: Checkpoint
    tokenizer_json: str
    empty: int = 0

    @staticmethod
    def fit(checkpoint: Checkpoint) -> "Pieces":
        """The tokenizer of a checkpoint; nothing is learned.

        Raises: InputError when its tokenizer cannot be read, or has more pieces than the encoder.
        """
        config = settings(checkpoint.folder)
        given = next((config[k] for k in ("eos_token_id", "bos_token_id", "pad_token_id") if config.get(k)), 0)
        pieces = Pieces(checkpoint, _tokenizer_json(checkpoint.folder), given[0] if isinstance(given, list) else given)
        if (many := pieces._tokenizer.get_vocab_size(with_added_tokens=False)) > checkpoint.vocabulary:
            raise InputError(
                f"The tokenizer in {checkpoint.folder} has {many:,} pieces, but its encoder has only "
                f"{checkpoint.vocabulary:,}. They are not of one checkpoint; take it anew."
            )
        return pieces

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self.tokenizer_json)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.encode_special_tokens = True  # those that a text spells are text
        return tokenizer

    def __reduce__(self) -> Any:  # a tokenizer that is copied forgets its settings
        return Pieces, (self.checkpoint, self.tokenizer_json, self.empty)

    @cached_property
    def _separates(self) -> bool:
        """Whether the tokenizer puts something between the two texts of a pair."""
        both, a, b = (len(self._tokenizer.encode(*texts).ids) for texts in (("a", "a"), ("a",), ("a",)))
        return both > a + b or self._special(1) > 0

    def _special(self, sides: int) -> int:
        return self._tokenizer.num_special_tokens_to_add(sides == 2)

    def encode(self, corpus: Corpus, kept: int | None = None) -> Ragged:
        """The pieces of each text, at least one and at most `kept`, special ones included."""
        return self._ragged([e.ids for e in self._encodings(readable(corpus), kept, sides=1)])

    def encode_pairs(self, a: Corpus, b: Corpus, kept: int | None = None) -> tuple[Ragged, Ragged]:
        """Both texts of each pair as one, and the segment of each piece; of the longer text more is cut."""
        if self._separates:
            pairs = self._encodings(list(zip(readable(a), readable(b), strict=True)), kept, sides=2)
            ids = self._ragged([e.ids for e in pairs])
            segments = Ragged.of([np.asarray(e.type_ids or [0]) for e in pairs], np.int32)
            return ids, segments
        first, second = self._shortened(self.encode(a), self.encode(b), kept)
        between = Ragged(np.full(len(first), self.empty, np.int32), np.arange(len(first) + 1))
        steps = np.stack([first.lengths + 1, second.lengths], 1).reshape(-1)
        sides = np.repeat(np.tile(np.asarray([0, 1], np.int32), len(first)), steps)
        ids = joined(first, between, second)
        return ids, Ragged(sides, ids.offsets)

    def _shortened(self, a: Ragged, b: Ragged, kept: int | None) -> tuple[Ragged, Ragged]:
        """Both sides of every pair, the longer one cut until they fit with a piece between them."""
        if kept is None:
            return a, b
        room = kept - 1
        first = _first(a, np.maximum(room - b.lengths, (room + 1) // 2))  # what b leaves, half of the room at least
        return first, _first(b, room - first.lengths)

    def _encodings(self, texts: list[Any], kept: int | None, sides: int) -> list[Any]:
        if kept is None:
            self._tokenizer.no_truncation()
        else:
            self._tokenizer.enable_truncation(max(kept, self._special(sides) + 1))
        return self._tokenizer.encode_batch_fast(texts)

    def _ragged(self, ids: list[list[int]]) -> Ragged:
        offsets = np.zeros(len(ids) + 1, np.int64)
        np.cumsum([max(1, len(i)) for i in ids], out=offsets[1:])
        flat = np.fromiter((piece for i in ids for piece in i or (self.empty,)), np.int32, int(offsets[-1]))
        return Ragged(flat, offsets)

    def limit(self, corpus: Corpus, sides: int, max_length: int | None) -> tuple[int, list[Finding]]:
        """The pieces kept of each text, special ones included, and what is to be said of those that are longer."""
        special, window = self._special(1), self.checkpoint.length
        lengths = self.encode(corpus).lengths
        kept, findings = limit("pieces", lengths, sides, None if max_length is None else max_length + special)
        if kept > window:
            kept, findings = window, []
            if over := int((lengths > window).sum()):
                findings = [_over(over, len(lengths), "texts", window)]
        if sides == 2:
            half = len(lengths) // 2  # the first texts of all pairs, then the second
            both = np.minimum(lengths[:half], kept) + np.minimum(lengths[half:], kept)
            if over := int((both + self._special(2) - 2 * special > window).sum()):
                findings.append(_over(over, half, "pairs", window))
        return max(kept, special + 1), findings

    def longest(self, kept: int, sides: int) -> int:
        """Steps of a text, or of a joined pair, of whose sides `kept` pieces are kept."""
        return min(self.checkpoint.length, kept if sides == 1 else 2 * kept + 1)

    def stream(self, length: int) -> Stream:
        c = self.checkpoint
        return Stream("pieces", c.vocabulary, length, str(c.folder), c.digest, c.depth, c.width)

    def as_data(self) -> dict[str, Any]:
        checkpoint = asdict(self.checkpoint) | {"folder": str(self.checkpoint.folder)}
        return {"checkpoint": checkpoint, "tokenizer": self.tokenizer_json, "empty": self.empty}

    @staticmethod
    def from_data(data: dict[str, Any], folder: str | Path | None = None) -> "Pieces":
        """What `as_data` gave, with the encoder's folder where it lies now.

        Raises: BundleError when the tokenizer cannot be read.
        """
        checkpoint = Checkpoint(**data["checkpoint"] | {"folder": Path(folder or data["checkpoint"]["folder"])})
        pieces = Pieces(checkpoint, data["tokenizer"], int(data["empty"]))
        try:
            pieces._tokenizer.get_vocab_size()
        except Exception as error:  # the library raises bare exceptions
            raise BundleError(f"The encoder's tokenizer is damaged ({error}). Take the bundle anew.") from error
        return pieces

    def at(self, folder: str | Path) -> "Pieces":
        """The same, with the encoder in another folder."""
        return replace(self, checkpoint=replace(self.checkpoint, folder=Path(folder)))


def _first(sequences: Ragged, most: np.ndarray) -> Ragged:
    return Ragged.of([sequences[i][:n] for i, n in enumerate(most)], np.int32)


def _over(count: int, among: int, what: str, window: int) -> Finding:
    text = f"{count:,} of {among:,} {what} have more than the {window:,} pieces that the encoder reads at once"
    return Finding("warned", f"{text}; only their first {window:,} are read by it", "--encoder")


def _tokenizer_json(folder: Path) -> str:
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.is_file():
        return _converted(folder)
    try:
        text = path.read_text("utf-8")
        Tokenizer.from_str(text)
        return text
    except Exception as error:  # the library raises bare exceptions
        raise InputError(f"{path} is damaged ({error}). Take the checkpoint anew.") from error


def _converted(folder: Path) -> str:
    """A tokenizer that comes as a bare vocabulary, put into the format of the `tokenizers` library."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer.to_str()
    except Exception as error:  # a library it needs may be missing, or the vocabulary be damaged
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(
            f"The tokenizer in {folder} cannot be read ({reason[0][:200]}). Put the checkpoint's tokenizer.json there; "
            "transformers writes it: AutoTokenizer.from_pretrained(...).save_pretrained(...)."
        ) from error
