"""The catalogue of networks, their files and their sessions."""
