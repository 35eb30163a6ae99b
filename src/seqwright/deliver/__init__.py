"""From finished trials to a model in production: refits, ensemble, evidence, bundle."""
