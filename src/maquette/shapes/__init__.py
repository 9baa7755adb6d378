"""What 3D methods share: solids as cells, distances to surfaces."""
