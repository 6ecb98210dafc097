from django.apps import AppConfig


class WebappConfig(AppConfig):
    name = "webapp"

    def ready(self) -> None:
        from webapp import system_checks as checks  # noqa: F401  (registers the system checks)
