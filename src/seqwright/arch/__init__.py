"""The vocabulary of architectures: blocks, networks, recipes; their JSON, ids and drawings. Standard library only."""

from seqwright.arch import candidate, encoders, network, transformer_blocks, wired  # each registers its kinds

__all__ = ["candidate", "encoders", "network", "transformer_blocks", "wired"]
