"""How faithful, sparse, plausible or agreed upon explanations are; one file a metric."""
