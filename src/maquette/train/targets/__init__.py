"""What the network is taught: teachers' views, instances and depth, made once and cached."""
