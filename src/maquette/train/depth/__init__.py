"""Training of metric depth networks: frames, augmentation, loss, loop and evaluation."""
