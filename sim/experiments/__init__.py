"""Experiments: many runs, compared, swept over, taken apart and summed up."""
