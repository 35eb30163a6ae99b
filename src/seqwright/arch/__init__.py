"""The vocabulary of architectures: blocks, networks, recipes; their JSON, ids and drawings. Standard library only."""

from seqwright.arch import candidate, encoders, network  # noqa: F401 # pyright: ignore[reportUnusedImport] (each registers its kinds)
