"""Training of the voxel networks."""
