"""Slow, literal twins of the library's formulas: from the papers, in float64, with loops; nothing of `whence`."""
