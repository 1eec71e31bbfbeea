"""Is the simulation right? Tables of what it says beside what is known."""
