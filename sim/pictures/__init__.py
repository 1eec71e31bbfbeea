"""Pictures: each function returns a figure and the very numbers it shows."""
