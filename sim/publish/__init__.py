"""Notebooks run in batch, figures with their manifest, and pages made from results."""
