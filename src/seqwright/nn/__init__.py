"""Modules for the vocabulary of `seqwright.arch`: spec in, torch module out. Importing it registers every block."""

from seqwright.nn import (  # noqa: F401 (each registers what it builds)
    attention,
    branched_conv,
    cell_network,
    cell_slices,
    conv,
    dconv_attention,
    feedforward,
    headed,
    light_conv,
    linear_recurrence,
    mixed_recurrent,
    mixture,
    network,
    parallel,
    pretrained,
    recurrent,
    recurrent_cells,
    recurrent_graph,
    supernet,
    wired,
)
from seqwright.nn.build import block, build
from seqwright.nn.role import Context, Role

__all__ = ["Context", "Role", "block", "build"]
