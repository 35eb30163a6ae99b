"""The stem of a pretrained encoder: hidden states from the cache where they are given, else from the pieces.

The frozen encoder is read once a process and shared by all networks; a network's own are only the layers that it
trains, which stand beside it from the start and are put in the encoder's place once they thaw.
"""

from collections.abc import Iterable
from functools import lru_cache

import torch
from torch import Tensor, nn

from seqwright.arch.encoders import Frozen, Lora, Pretrained, Tuned, cuts, read_cuts, tuned_from
from seqwright.arch.interface import Interface, Stream
from seqwright.errors import SpaceError
from seqwright.nn.encoders import Encoder, family, shared
from seqwright.nn.own_layers import own_layers
from seqwright.nn.stems import Batch, _streams, stem


class PretrainedStem(nn.Module):
    """x = the hidden states after the last layers, side by side, projected where another width is asked for.

    Attributes:
        width: units of each step it gives.
        causal, cls_at: of the encoder, see `Encoder`.
        thawed: whether its own layers run in place of the encoder's; true where it has none, and nothing waits.
        frozen_parameters: those of the encoder that it reads with and that no network owns.
    """

    def __init__(self, spec: Pretrained, stream: Stream, width: int | None = None) -> None:
        super().__init__()
        self.name = spec.reads[0]
        self.spec, self.stream, self.depth = spec, stream, stream.depth
        self.reads, self.start = read_cuts(spec, stream.depth), tuned_from(spec, stream.depth)
        kind = family(stream.source)
        self.causal, self.cls_at = kind.causal, kind.cls_at
        self.thawed = self.start == self.depth
        own = own_layers(spec, self._encoder(torch.get_default_device())) if self.start < self.depth else []
        self.blocks = nn.ModuleList(own[: self.depth - self.start])
        self.final = own[-1] if len(own) > self.depth - self.start else None
        self.requires_grad_(False)
        wide = len(self.reads) * stream.width
        self.width = wide if width is None else width
        self.projection = None if self.width == wide else nn.Linear(wide, self.width)
        self.train()

    @property
    def cuts(self) -> tuple[int, ...]:
        """The cuts that it reads from the cache now, in order; none where it starts from the embeddings."""
        return cuts(self.spec, self.depth, self.thawed)

    @property
    def cut(self) -> int:
        """The lowest of them, and 0 where it starts from the embeddings."""
        return min(self.cuts, default=0)

    @property
    def frozen_parameters(self) -> int:
        encoder = self._encoder(torch.device("meta"))
        top = {id(p) for block in encoder.blocks[self.start :] for p in block.parameters()}
        below = {id(p) for block in encoder.blocks[: self.start] for p in block.parameters()}
        return sum(p.numel() for p in encoder.parameters() if self.start == self.depth or id(p) not in top - below)

    def forward(self, batch: Batch, side: str = "") -> tuple[Tensor, Tensor]:
        name = self.name + side
        ids, mask, segments = batch.get(name), batch[f"{name}.mask"], batch.get(f"{name}.segments")
        states = self._frozen(batch, name, ids, mask, segments)
        if self.thawed and self.start < self.depth:
            numbers = range(self.start, self.depth)
            states |= self._encoder(mask.device).states(
                ids,
                mask,
                segments,
                cuts=[cut for cut in self.reads if cut > self.start],
                start=(self.start, states[self.start]),
                blocks=dict(zip(numbers, self.blocks, strict=True)),
                final=self.final,
            )
        parts = [states[cut] for cut in self.reads]
        x = parts[0] if len(parts) == 1 else torch.cat(parts, -1)
        return (x if self.projection is None else self.projection(x.to(self.projection.weight.dtype))), mask

    def _frozen(
        self, batch: Batch, name: str, ids: Tensor | None, mask: Tensor, segments: Tensor | None
    ) -> dict[int, Tensor]:
        """The states at the cuts it reads, cached or computed from the nearest one below that is."""
        wanted = [*self.cuts, *([0] if self.thawed and self.start == 0 else [])]
        given = {cut: batch[f"{name}@{cut}"] for cut in range(self.depth + 1) if f"{name}@{cut}" in batch}
        missing = [cut for cut in wanted if cut not in given]
        states = {cut: given[cut] for cut in wanted if cut in given}
        if missing:
            below = max((cut for cut in given if cut <= min(missing)), default=None)
            start = None if below is None else (below, given[below])
            with torch.no_grad():
                states |= self._encoder(mask.device).states(ids, mask, segments, cuts=missing, start=start)
        return states

    def thaw(self) -> None:
        """From now on its own layers run, and train; nothing happens where there are none, or a second time."""
        self.thawed = True
        for parameter in self._trainable():
            parameter.requires_grad_(True)
        self.train(self.training)

    def train(self, mode: bool = True) -> "PretrainedStem":
        """The encoder's dropout acts in layers that train, and in no others."""
        super().train(mode)
        if not self.thawed:
            self.blocks.eval()
        return self

    def learning_rates(self) -> Iterable[tuple[list[nn.Parameter], float]]:
        """The parameters that train once thawed, with their absolute rates, from the top down.

        Those that `Tuned(learning_rate=None)` trains are left out: they have the recipe's rate, as the head has.
        """
        tuning = self.spec.tuning
        if isinstance(tuning, Lora):
            yield self._trainable(), tuning.learning_rate
        elif isinstance(tuning, Tuned) and tuning.learning_rate is not None:
            seen: set[int] = set()
            final = [] if self.final is None else list(self.final.parameters())
            for below, block in enumerate(reversed(list(self.blocks))):
                parameters = [p for p in [*final, *block.parameters()] if id(p) not in seen]
                seen |= {id(p) for p in parameters}
                final = []
                if parameters:  # layers that share their weights have the rate of the topmost
                    yield parameters, tuning.learning_rate * tuning.decay**below

    def _trainable(self) -> list[nn.Parameter]:
        own = [*self.blocks.named_parameters(), *([] if self.final is None else self.final.named_parameters())]
        return [p for name, p in own if not isinstance(self.spec.tuning, Lora) or "lora_" in name]

    def _encoder(self, device: torch.device) -> Encoder:
        if self.stream.source:
            return shared(self.stream.source, str(device))
        if device.type == "meta":
            return _alike(self.stream)
        raise SpaceError(
            f'The stream "{self.name}" names no checkpoint, so the encoder can be counted but not run. '
            "Prepare the data with an encoder."
        )


@lru_cache(maxsize=4)
def _alike(stream: Stream) -> Encoder:
    return Encoder.like(stream)


@stem.register
def _(spec: Pretrained, interface: Interface, width: int | None = None) -> nn.Module:
    (stream,) = _streams(spec, interface)
    if spec.encoder and stream.digest and spec.encoder != stream.digest:
        raise SpaceError(
            f"This network reads the encoder {spec.encoder}, but the data are prepared for {stream.digest}"
            f"{f' ({stream.source})' if stream.source else ''}. Prepare them with the encoder it was made for."
        )
    if not isinstance(spec.tuning, Frozen | Tuned | Lora):
        raise SpaceError(f"tuning={spec.tuning!r} is not known. Use Frozen(), Tuned(...) or Lora(...).")
    return PretrainedStem(spec, stream, width)
