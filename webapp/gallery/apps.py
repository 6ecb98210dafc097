from django.apps import AppConfig


class GalleryConfig(AppConfig):
    name = "webapp.gallery"

    def ready(self) -> None:
        from webapp.gallery import checks  # noqa: F401  (registers the system checks)
