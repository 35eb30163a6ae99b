"""Training: one readable loop, its state on disk, and what it notices."""
