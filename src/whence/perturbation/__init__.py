"""Engine 3: masks over the input's features in, target values out; one file a mask sampler and its estimator."""
