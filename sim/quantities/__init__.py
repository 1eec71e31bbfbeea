"""Quantities: units, distributions, and constants that nobody knows, from text to numbers."""
