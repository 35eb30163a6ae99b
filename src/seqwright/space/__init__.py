"""The algebra of search spaces. Standard library only; it knows no network."""
