"""Metrics: one module a task; every published variant has a name of its own."""
