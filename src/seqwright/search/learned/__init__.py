"""Strategies that learn with torch: loaded only when one is asked for."""
