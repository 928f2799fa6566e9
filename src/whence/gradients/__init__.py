"""Engine 1: gradients of the target at points of embedding space; one file a method."""
