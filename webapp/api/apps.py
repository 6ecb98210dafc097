from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "webapp.api"

    def ready(self) -> None:
        import webapp.api.schema  # noqa: F401 - registers itself
