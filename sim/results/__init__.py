"""What a run leaves behind: its ledger, its metrics, a programme of runs, and what they cost."""
