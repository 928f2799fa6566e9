"""Differences from a reference, handed back operation by operation: what DeepLIFT is made of.

The input's forward pass is recorded, operation by operation, and the baseline's is run beside the record. There each
non-linear operation is given the gradient Δout/Δin, and each product the gradient at the mean of its factors, so that
(x − x') times what torch's ordinary backward pass delivers adds up to the difference of the outputs.
"""
