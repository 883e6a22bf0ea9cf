"""Command lines of the shared library; the only modules that print."""
