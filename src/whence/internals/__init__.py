"""Inside a model: relevance of neurons, heads and layers, texts that drive them, and predictions without them."""
