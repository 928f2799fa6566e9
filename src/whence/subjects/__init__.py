"""What is explained: a model and its tokenizer behind one protocol, one file a task."""
