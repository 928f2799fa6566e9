"""Engine 4: attention weights in, token scores out; one file an aggregation."""
