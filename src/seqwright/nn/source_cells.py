"""A network of normal and reduction cells as one readable PyTorch file, of a sequence's steps or an image's pixels.

The two cells are written as data, who reads whom by which operation, and the class that makes a module of them is
copied with all that it stands on; the state dict has the names that `build` gives.
"""

import inspect

from seqwright.arch.cells import Cell, CellNetwork, Combination
from seqwright.arch.interface import Interface
from seqwright.arch.network import Pixels
from seqwright.nn.cell_network import CellModule
from seqwright.nn.image_cells import ImageCellModule
from seqwright.nn.source_blocks import spec_class, written
from seqwright.nn.source_code import gathered, needed_imports
from seqwright.nn.source_parts import COMPARED, STREAM, head_call, head_class

_UNREAD = '''def unread(cell: Cell) -> tuple[int, ...]:
    """The states that no combination reads: the cell's output."""
    read = {state for made in cell.combinations for state in (made.one, made.two)}
    return tuple(state for state in range(len(cell.combinations) + 2) if state not in read)'''

_MODEL = '''class Model(nn.Module):
    """A batch to logits, (B, {classes}): stem, cells, readout, head."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        width = {width}
        self.stem = {stem}
        self.cells = nn.ModuleList()
        older = last = width
        behind = False
        for part in range({parts}):
            for place in range({repeats} + (part > 0)):
                halves = part > 0 and place == 0
                width *= 2 if halves else 1
                cell = {cell}(REDUCTION if halves else NORMAL, older, last, width, halves, behind, dropout)
                self.cells.append(cell)
                older, last, behind = last, cell.outputs, halves
        width = last
        self.readout = {readout}
        self.head = {head}
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
{forward}

    def encode(self, batch: dict[str, Tensor], side: str = "") -> Tensor:
        """What the head reads of one input: (B, D)."""
{encode}'''

_ENCODE = """        x, mask = self.stem(batch, side)
        older = last = (self.dropout(x), mask)
        for cell in self.cells:
            older, last = last, cell(older, last)
        return self.readout(torch.relu(last[0]), last[1])"""

_ENCODE_IMAGE = """        x, _ = self.stem(batch, side)  # (B, H * W, D), row by row
        height = {height}
        older = last = self.dropout(x).unflatten(1, (height, -1)).permute(0, 3, 1, 2)
        for cell in self.cells:
            older, last = last, cell(older, last)
        x = torch.relu(last).flatten(2).transpose(1, 2)
        return self.readout(x, torch.ones(x.shape[:2], dtype=torch.bool, device=x.device))"""


def cell_definitions(network: CellNetwork, interface: Interface) -> tuple[list[str], list[str]]:
    """The import lines and the definitions of a file, the last of them the class `Model`."""
    image = isinstance(network.stem, Pixels)
    module = ImageCellModule if image else CellModule
    stem, readout = written(network.stem, interface), written(network.readout, interface)
    records = (network.normal, *network.normal.combinations, *network.reduction.combinations)
    given = {type(spec).__name__: spec_class(spec) for spec in records} | {"Stream": STREAM, "unread": _UNREAD}
    copied = [Combination, module, *(used for call in (stem, readout) for used in call.uses() if inspect.isclass(used))]
    imports, definitions = gathered(dict.fromkeys(copied), given)
    compared = network.pairing == "compared"
    model = _MODEL.format(
        classes=interface.classes,
        repeats=network.repeats,
        width=network.width,
        parts=network.reductions + 1,
        stem=stem.text(),
        cell=module.__name__,
        readout=readout.text(),
        head=head_call(network.head, compared, interface).text(),
        forward=COMPARED if compared else " " * 8 + "return self.head(self.encode(batch))",
        encode=_ENCODE_IMAGE.format(height=_height(network.stem)) if image else _ENCODE,
    )
    cells = f"NORMAL = {_text(network.normal)}\nREDUCTION = {_text(network.reduction)}"
    definitions += [head_class(network.head), cells, model]
    return [*imports, *(line for text in definitions for line in needed_imports(text))], definitions


def _height(stem: Pixels) -> str:
    rows = 'batch["image" + side].shape[2]'
    return rows if stem.stride == 1 else f"-(-{rows} // {stem.stride})"


def _text(cell: Cell) -> str:
    """A cell as a constructor call, a combination a line."""
    rows = (f'Combination({c.one}, "{c.first}", {c.two}, "{c.second}", "{c.join}")' for c in cell.combinations)
    return "Cell(\n    (\n" + "".join(f"        {row},\n" for row in rows) + "    )\n)"
