"""Real leaks and clean steps, asked of `mortmain loop`: run.py and clean.py."""
