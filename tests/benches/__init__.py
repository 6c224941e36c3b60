"""The benchmark's groups, one module a subject."""
