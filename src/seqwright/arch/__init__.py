"""The vocabulary of architectures: blocks, networks, recipes; their JSON, ids and drawings. Standard library only."""
