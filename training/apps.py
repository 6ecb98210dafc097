from django.apps import AppConfig


class TrainingConfig(AppConfig):
    """A Django app only so that manage.py finds its commands."""

    name = "training"
