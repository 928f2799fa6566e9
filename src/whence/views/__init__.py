"""How records are seen: terminal, HTML, matplotlib. Views read records and never load a model library."""
