"""From the pictures of a calibrated rig to a room of labelled cells, and to its objects."""
