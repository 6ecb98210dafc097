"""Captioned photos in, a model bundle out. A Django app only so that manage.py finds its commands."""
