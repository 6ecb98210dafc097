from django.apps import AppConfig


class GalleryConfig(AppConfig):
    name = "webapp.gallery"

    def ready(self) -> None:
        from webapp.gallery import checks  # noqa: F401  (registers the system checks)
        from webapp.gallery.uploads import parser_patch

        parser_patch()
