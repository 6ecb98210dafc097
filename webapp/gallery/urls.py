from django.urls import path

from webapp.gallery.views import batches, media, photos, state

urlpatterns = [
    path("", photos.gallery, name="gallery"),
    path("upload/", photos.upload, name="upload"),
    path("state/", state.state, name="state"),
    path("photos/<int:photo_id>/", photos.photo, name="photo"),
    path("photos/<int:photo_id>/delete/", photos.photo_delete, name="photo_delete"),
    path("photos/<int:photo_id>/retry/", photos.photo_retry, name="photo_retry"),
    path("batches/", batches.batches, name="batches"),
    path("batches/<int:batch_id>/", batches.batch, name="batch"),
    path("batches/<int:batch_id>/<str:action>/", batches.batch_change, name="batch_change"),
    path("media/<int:photo_id>/<str:kind>/", media.media, name="media"),
]
