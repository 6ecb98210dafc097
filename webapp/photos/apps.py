from django.apps import AppConfig


class PhotosConfig(AppConfig):
    name = "webapp.photos"

    def ready(self) -> None:
        from webapp.photos import checks  # noqa: F401  (registers the system checks)
        from webapp.photos.upload_parser import parser_patch

        parser_patch()
