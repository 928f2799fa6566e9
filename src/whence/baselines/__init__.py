"""Reference explanations that know nothing of the model: what every method has to beat; one file each."""
