"""The layers of a pretrained encoder that one network trains: copies of its top, or low-rank additions to all of it."""

import copy
from typing import Any

from torch import nn

from seqwright.arch.encoders import Lora, Pretrained, tuned_from
from seqwright.errors import SeqwrightError
from seqwright.nn.dropout import Dropout
from seqwright.nn.encoders import Encoder


def own_layers(spec: Pretrained, encoder: Encoder) -> list[nn.Module]:
    """Copies of the layers that train, and of the final norm if there is one."""
    top = encoder.blocks[tuned_from(spec, encoder.depth) :]
    final = [] if encoder.final is None else [encoder.final]
    if isinstance(spec.tuning, Lora):
        return [*_adapted(top, spec.tuning, encoder), *(_copied(final, aliased=True))]
    own = _copied([*top, *final])
    for layer in own:
        for parent in list(layer.modules()):
            for name, child in list(parent.named_children()):
                if type(child) is nn.Dropout:  # torch's costs a tenth of fine-tuning on some processors
                    setattr(parent, name, Dropout(child.p))
    return own


def _copied(modules: list[nn.Module], aliased: bool = False) -> list[nn.Module]:
    """The same modules again: with weights of their own, or (`aliased`) with new names for the same weights."""
    memo: dict[int, Any] = {}
    for module in modules:
        memo |= {id(part.config): part.config for part in module.modules() if hasattr(part, "config")}
        if aliased:
            memo |= {id(p): nn.Parameter(p.detach(), requires_grad=False) for p in module.parameters()}
    return copy.deepcopy(modules, memo)  # what two layers share, their copies share


def _adapted(modules: list[nn.Module], tuning: Lora, encoder: Encoder) -> list[nn.Module]:
    """Layers with low-rank additions beside their attention's projections, which start as nothing (B = 0)."""
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise SeqwrightError('Lora needs peft: pip install "seqwright[pretrained]", or use Tuned.') from error

    layers = nn.ModuleList(_copied(modules, aliased=True))
    settings = LoraConfig(
        r=tuning.rank,
        lora_alpha=2 * tuning.rank,
        target_modules=list(encoder.family.projections),
        fan_in_fan_out=encoder.family.transposed,
    )
    inject_adapter_in_model(settings, layers)
    return list(layers)
