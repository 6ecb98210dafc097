from django.urls import path

from webapp.gallery.views import open_page_changes, photo_texts, photos

urlpatterns = [
    path("", photos.gallery, name="gallery"),
    path("upload/", photos.upload, name="upload"),
    path("state/", open_page_changes.state, name="state"),
    path("photos/<int:photo_id>/", photos.photo, name="photo"),
    path("photos/<int:photo_id>/text/", photo_texts.photo_text, name="photo_text"),
    path("photos/<int:photo_id>/delete/", photos.photo_delete, name="photo_delete"),
    path("photos/<int:photo_id>/retry/", photos.photo_retry, name="photo_retry"),
]
