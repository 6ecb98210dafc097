from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """A Django app only so that manage.py finds its commands."""

    name = "worker"
