from django.urls import path, re_path

from webapp.api.views import accounts, batches, exports, not_found, photos

app_name = "api"
urlpatterns = [
    path("auth/login/", accounts.LoginView.as_view(), name="login"),
    path("auth/logout/", accounts.LogoutView.as_view(), name="logout"),
    path("photos/", photos.PhotosView.as_view(), name="photos"),
    path("photos/<int:photo_id>/", photos.PhotoView.as_view(), name="photo"),
    path("photos/<int:photo_id>/retry/", photos.PhotoRetryView.as_view(), name="photo_retry"),
    path("batches/", batches.BatchesView.as_view(), name="batches"),
    path("batches/<int:batch_id>/", batches.BatchView.as_view(), name="batch"),
    path("batches/<int:batch_id>/items/", batches.BatchItemsView.as_view(), name="batch_items"),
    path("batches/<int:batch_id>/<str:action>/", batches.BatchActionView.as_view(), name="batch_action"),
    path("export/", exports.ExportView.as_view(), name="export"),
    re_path("", not_found.UnknownView.as_view(), name="unknown"),
]
