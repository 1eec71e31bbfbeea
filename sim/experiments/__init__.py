"""Experiments: many runs, compared and summed up."""
