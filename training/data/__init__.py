"""Captions files and photos: read, checked, imported, inspected."""
