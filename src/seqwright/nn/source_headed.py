"""A head on a pretrained encoder as one readable PyTorch file: torch, transformers, and no Seqwright.

The stages are copied from the modules that `build` uses; `transformers` runs the encoder as a whole. Layers that were
trained carry the names that a bundle keeps their weights under, so these load into the file's model.
"""

import textwrap
from typing import Any

from seqwright.arch.blocks import Skip
from seqwright.arch.encoders import AttentionStage, ConvStage, Frozen, HeadedEncoder, Lora, Pretrained, tuned_from
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.show import line, tree
from seqwright.errors import SpaceError
from seqwright.nn.build import build
from seqwright.nn.cost import cost
from seqwright.nn.encoders import family
from seqwright.nn.families import FAMILIES
from seqwright.nn.headed import HeadedEncoderModule, HeadModule
from seqwright.nn.role import Context
from seqwright.nn.source_blocks import Call, spec_class, written
from seqwright.nn.source_code import gathered, joined_imports, needed_imports

# Where a family's model has its layers and its last norm, and whether it takes segments.
_PLACES = {
    **dict.fromkeys(("bert", "electra"), ("encoder.layer", "", True)),
    **dict.fromkeys(("roberta", "xlm-roberta", "camembert"), ("encoder.layer", "", False)),
    "distilbert": ("transformer.layer", "", False),
    "albert": ("", "", True),
    "xlnet": ("layer", "", True),
    "gpt2": ("h", "ln_f", False),
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3"), ("layers", "norm", False)),
}

_TOP = '''"""{line}

{tree}

{parameters:,} parameters, the encoder's among them; {flops:,} floating-point operations for the longest text.
This file needs torch and {needs}. B is the batch, T the steps, D the width; a mask, (B, T), is true at
real steps, which come before all padding.
"""'''

_ENCODER = '''class Encoder(nn.Module):
    """The hidden states of a pretrained encoder's last {count}: (B, T, {width})."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.model = AutoModel.from_pretrained(folder).requires_grad_(False)
{own}
    def forward(self, batch: dict[str, Tensor], side: str) -> tuple[Tensor, Tensor]:
        ids, mask = batch["pretrained" + side], batch[f"pretrained{{side}}.mask"]
{segments}        found = self.model(ids, attention_mask=mask.long(), output_hidden_states=True{more})
        return torch.cat(found.hidden_states[-{layers}:], dim=-1), mask'''

_TUNED = """        self.blocks = nn.ModuleList(self.model.{layers}[{start}:])  # these were trained
        self.blocks.requires_grad_(True)
"""
_LORA = """        self.blocks = nn.ModuleList(self.model.{layers}[{start}:])  # additions to these were trained
        projections = {projections}
        settings = LoraConfig(r={rank}, lora_alpha={alpha}, target_modules=projections, fan_in_fan_out={transposed})
        inject_adapter_in_model(settings, self.blocks)
"""

_MODEL = '''class Model(nn.Module):
    """A batch to logits, (B, {classes}): {names}."""

    def __init__(self, encoder: str = ENCODER, dropout: float = 0.0) -> None:
        super().__init__()
        width = {width}
{parts}

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
{forward}

    def encode(self, batch: dict[str, Tensor], side: str = "") -> Tensor:
        """What the readout gives of one text: (B, {units})."""
        x, mask = self.stem(batch, side)
{stages}        return self.readout(x, mask)'''

_COMPARED = """        u, v = self.encode(batch, ".a"), self.encode(batch, ".b")
        return self.head(torch.cat([u, v, (u - v).abs(), u * v], dim=-1))"""

_USAGE = """if __name__ == "__main__":
    model = Model().eval()
    # The trained weights lie in the bundle. It may hold several networks, and "0/" marks those of the first:
    #   from safetensors.torch import load_file
    #   tensors = load_file("best/weights.safetensors")
    #   own = {{name.removeprefix("0/"): tensor for name, tensor in tensors.items() if name.startswith("0/")}}
    #   model.load_state_dict(own, strict=False)  # the encoder's frozen weights lie in its checkpoint
    batch = {{
{batch}
    }}
    print(model(batch).softmax(-1))"""


def headed_file(network: HeadedEncoder, interface: Interface) -> str:
    """The file of a head and its encoder; see `seqwright.nn.source.as_torch`.

    Raises:
        SpaceError: the architecture does not suit the interface, or tunes an encoder whose layers share their weights.
    """
    import torch

    counted = cost(network, interface)  # builds it, so an unsuitable one is refused here
    with torch.device("meta"):
        module = build(network, interface)
    assert isinstance(module, HeadedEncoderModule)
    stream = interface.stream(network.stem.reads[0])
    calls = _calls(network, module, interface, stream)
    specs = [network.attention, network.convolution, network.recurrence, network.dense]
    given = {type(spec).__name__: spec_class(spec) for spec in specs if spec != Skip()}
    classes = [item for call in calls.values() for item in call.uses() if not isinstance(item, str)]
    stages = [name for name in calls if name not in ("stem", "readout", "head")]
    imports, definitions = gathered(dict.fromkeys([*([Context] if stages else []), *classes]), given)
    joining = [_encoder(network.stem, stream), _model(network, interface, module, calls, stages)]
    usage = _USAGE.format(batch="\n".join(f"        {entry}," for entry in _example(network, stream, interface)))
    named = [imported for text in (*joining, *definitions, usage) for imported in needed_imports(text)]
    lora = isinstance(network.stem.tuning, Lora)
    top = _TOP.format(
        line=textwrap.fill(line(network), 117),
        tree=tree(network),
        needs="transformers and peft" if lora else "transformers",
        **counted,
    )
    others = "from transformers import AutoModel" + ("\nfrom peft import LoraConfig, inject_adapter_in_model" * lora)
    source = f'ENCODER = "{stream.source or "path/to/the/encoder"}"  # a folder, or a name on the hub'
    head = "\n\n".join([top, joined_imports([*imports, *named]) + "\n" + others, source])
    return "\n\n\n".join([head, *definitions, *joining, usage]) + "\n"


def _calls(
    network: HeadedEncoder, module: HeadedEncoderModule, interface: Interface, stream: Stream
) -> dict[str, Call]:
    """The parts of the model by the names of its attributes; a stage that is left out is left out."""
    act = "torch.tanh" if network.activation == "tanh" else f"F.{network.activation}"
    found, units = {"stem": Call("Encoder", ("encoder",))}, int(module.stem.width)  # pyright: ignore
    for name in ("attention", "convolution", "recurrence"):
        spec, made = getattr(network, name), getattr(module, name)
        if made is None:
            continue
        arguments: tuple[Any, ...] = (repr(spec).replace("'", '"'), str(units))
        if isinstance(spec, AttentionStage):
            arguments += (str(stream.width), act, "dropout")
        else:
            arguments += (act,) if isinstance(spec, ConvStage) else ("dropout",)
        found[name], units = Call(type(made), arguments), int(made.outputs)
    readout = type(module.readout)
    plain = readout.__name__ in ("FirstReadout", "LastReadout")
    found["readout"] = Call(readout) if plain else written(network.readout, interface)
    inputs = "4 * width" if module.compared else "width"
    norm = ("norm=True",) if network.norm else ()
    found["head"] = Call(
        HeadModule, (repr(network.dense), inputs, str(interface.classes), act, *norm, "dropout=dropout")
    )
    return found


def _encoder(spec: Pretrained, stream: Stream) -> str:
    kind = family(stream.source)
    name = next(name for name, known in FAMILIES.items() if known is kind)
    layers, norm, segments = _PLACES[name]
    own = ""
    if not isinstance(spec.tuning, Frozen):
        if not layers:
            raise SpaceError(
                "The layers of an ALBERT share their weights, so some tuned ones cannot be written as stand-alone "
                "torch. Write one with tuning=Frozen()."
            )
        start = tuned_from(spec, stream.depth)
        if isinstance(spec.tuning, Lora):
            own = _LORA.format(
                layers=layers,
                start=start,
                projections=str(list(kind.projections)).replace("'", '"'),
                rank=spec.tuning.rank,
                alpha=2 * spec.tuning.rank,
                transposed=kind.transposed,
            )
        else:
            own = _TUNED.format(layers=layers, start=start)
        own += f"        self.final = self.model.{norm}\n" if norm else ""
    count = min(spec.layers, stream.depth)
    return _ENCODER.format(
        layers=count,
        count="layer" if count == 1 else f"{count} layers, side by side",
        width=count * stream.width,
        own=own,
        segments='        segments = batch.get(f"pretrained{side}.segments")\n' if segments else "",
        more=", token_type_ids=segments" if segments else "",
    )


def _model(
    network: HeadedEncoder,
    interface: Interface,
    module: HeadedEncoderModule,
    calls: dict[str, Call],
    stages: list[str],
) -> str:
    units = next((int(getattr(module, name).outputs) for name in reversed(stages)), int(module.stem.width))  # pyright: ignore
    lines = "\n".join(f"self.{name} = {call.text()}" for name, call in calls.items())
    return _MODEL.format(
        classes=interface.classes,
        names=", ".join(calls),
        width=units,
        parts="\n".join(" " * 8 + line for line in lines.split("\n")),
        forward=_COMPARED if module.compared else " " * 8 + "return self.head(self.encode(batch))",
        units=units,
        stages="".join(f"        x = self.{name}(x, Context(mask))\n" for name in stages),
    )


def _example(network: HeadedEncoder, stream: Stream, interface: Interface) -> list[str]:
    """The entries of a batch of two random texts, as source."""
    lines: list[str] = []
    for name in network.streams:
        lines.append(f'"{name}": torch.randint(5, {stream.size}, (2, 12))')
        lines.append(f'"{name}.mask": torch.ones(2, 12, dtype=torch.bool)')
        if interface.sides == 2 and network.pairing == "joined":
            lines.append(f'"{name}.segments": torch.tensor([[0] * 6 + [1] * 6] * 2)')
    return lines
