from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "webapp.api"
    verbose_name = "API"

    def ready(self) -> None:
        import webapp.api.schema  # noqa: F401 - registers itself
