"""The training wing: everything here may use PyTorch, and nothing outside it may import it."""
