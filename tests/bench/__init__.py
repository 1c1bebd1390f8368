"""Figures, as ratios within one run: machines are noisy, and a second says little."""
