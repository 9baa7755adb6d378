"""Worlds: procedural scenes with every kind of ground truth."""
