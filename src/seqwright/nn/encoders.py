"""A pretrained encoder that can be cut between any two layers, loaded by `transformers`.

Cut 0 is what the first layer reads, cut c what comes out of layer c, and cut `depth` the end, with the final norm of
the families that have one. Whatever was kept at a cut can be continued from there, to the same result.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seqwright.arch.interface import Stream
from seqwright.errors import NO_TRANSFORMERS, InputError
from seqwright.nn.cpu_attention import install
from seqwright.nn.families import FAMILIES, Family


class Encoder(nn.Module):
    """A frozen model and how its family is taken apart; always in evaluation mode, without gradients.

    Attributes:
        depth, width: layers, and the units D of each.
        causal: step t sees steps up to t only.
        cls_at: "first" or "last": the step that sums the text up.
    """

    def __init__(self, model: Any, family: Family) -> None:
        super().__init__()
        self.model = model.requires_grad_(False).eval()
        self.family = family
        self.depth = int(model.config.num_hidden_layers)
        self.width = int(model.config.hidden_size)
        self.causal, self.cls_at = family.causal, family.cls_at

    def train(self, mode: bool = True) -> "Encoder":
        return self

    @property
    def blocks(self) -> list[nn.Module]:
        return self.family.blocks(self.model)

    @property
    def final(self) -> nn.Module | None:
        return self.family.final(self.model)

    @staticmethod
    def read(source: str | Path, device: "torch.device | str" = "cpu") -> "Encoder":
        """The encoder of a checkpoint's folder; on the meta device from its config alone.

        Raises: InputError when its config or weights cannot be read, or do not fit each other.
        """
        source = Path(source)
        with quiet():
            config = _config(source)
            family = FAMILIES[str(config.model_type)]
            if torch.device(device).type == "meta":
                with torch.device("meta"):
                    return Encoder(_blank(config), family)
            model = _loaded(source, config)
            if torch.device(device).type == "cpu":
                install(model)
            return Encoder(model, family).to(device)

    @staticmethod
    def like(stream: Stream) -> "Encoder":
        """A BERT of a stream's sizes on the meta device, to count with where there is no checkpoint."""
        with quiet(), torch.device("meta"):
            from transformers import BertConfig

            config = BertConfig(
                vocab_size=stream.size,
                hidden_size=stream.width,
                num_hidden_layers=stream.depth,
                num_attention_heads=max(1, stream.width // 32),
                intermediate_size=4 * stream.width,
                max_position_embeddings=max(512, stream.length),
            )
            return Encoder(_blank(config), FAMILIES["bert"])

    def states(
        self,
        ids: Tensor | None,
        mask: Tensor,
        segments: Tensor | None = None,
        *,
        cuts: Sequence[int],
        start: tuple[int, Tensor] | None = None,
        blocks: Mapping[int, nn.Module] | None = None,
        final: nn.Module | None = None,
    ) -> dict[int, Tensor]:
        """Hidden states (B, T, D) at the cuts asked for; whatever stands at padding means nothing.

        Args:
            ids, mask, segments: (B, T); real steps come before all padding. From a start on, no ids are needed.
            start: (c, states at cut c) to continue from.
            blocks, final: layers by number, from 0, and a last norm to run in place of the encoder's own.
        """
        if not cuts:
            return {}
        own = self.blocks
        if start is not None:
            at, x = start
        elif ids is not None:
            # Where a projection follows the embeddings, autocast would leave the whole residual stream in bfloat16.
            at, x = 0, self.family.embed(self.model, ids, segments).float()
        else:
            raise ValueError("without ids there must be a start to continue from")
        if at > min(cuts) or max(cuts) > self.depth:
            raise ValueError(f"cuts {sorted(cuts)} are not all between {at}, where this starts, and {self.depth}")
        kept = {at: x} if at in cuts else {}
        if at == max(cuts):
            return kept
        around = self.family.around(self.model, x, mask, segments)
        for number in range(at, max(cuts)):
            block = (blocks or {}).get(number, own[number])
            y = block(x.transpose(0, 1) if self.family.flipped else x, **around)
            y = y[0] if isinstance(y, tuple) else y
            x = y.transpose(0, 1) if self.family.flipped else y
            if number + 1 == self.depth and (norm := final or self.final) is not None:
                x = norm(x)
            if number + 1 in cuts:
                kept[number + 1] = x
        return kept


def family(source: str) -> Family:
    """The family of a checkpoint's folder, from its config.json; BERT's where there is no folder."""
    if not source:
        return FAMILIES["bert"]
    try:
        return FAMILIES[json.loads((Path(source) / "config.json").read_text("utf-8"))["model_type"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"There is no pretrained encoder in {source} ({type(error).__name__}: {error}). Give --encoder its folder."
        ) from error


@lru_cache(maxsize=4)
def shared(source: str, device: str) -> Encoder:
    """The one frozen copy of an encoder that all networks of a process read with."""
    return Encoder.read(source, device)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' bars and reports, and without drawing from the caller's random numbers."""
    try:
        from transformers.utils import logging
    except ImportError as error:
        raise InputError(NO_TRANSFORMERS) from error

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(50)  # nothing but what is critical
    logging.disable_progress_bar()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _config(source: Path) -> Any:
    from transformers import AutoConfig

    family(str(source))
    try:
        return AutoConfig.from_pretrained(source, local_files_only=True)
    except Exception as error:  # whatever a damaged config makes the library do
        raise InputError(f"{source / 'config.json'} cannot be read ({error}). Take the checkpoint anew.") from error


def _blank(config: Any) -> Any:
    from transformers import AutoModel

    return AutoModel.from_config(config, dtype=torch.float32).to("meta")  # XLNet makes some on the CPU regardless


def _loaded(source: Path, config: Any) -> Any:
    from transformers import AutoModel

    try:
        model, report = AutoModel.from_pretrained(
            source,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are told below, by name
        )
    except Exception as error:  # shapes that do not fit, a file cut short, a config that makes no model
        text = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(
            f"The weights in {source} cannot be read ({text[0][:200]}). Take the checkpoint anew."
        ) from error
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    unfit = [*report["mismatched_keys"], *report["error_msgs"]]
    if missing or unfit:
        what = f"lack {missing[0]}" if missing else f"do not fit its config.json: {unfit[0]}"
        raise InputError(f"The weights in {source} {what}, and {len(missing) + len(unfit) - 1} more. Take it anew.")
    return model
