"""Worlds to pictures and their truth, pixel by pixel."""
