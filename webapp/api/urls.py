from django.urls import path, re_path

from webapp.api import views

app_name = "api"
urlpatterns = [
    path("auth/login/", views.LoginView.as_view(), name="login"),
    path("auth/logout/", views.LogoutView.as_view(), name="logout"),
    path("photos/", views.PhotosView.as_view(), name="photos"),
    path("photos/<int:photo_id>/", views.PhotoView.as_view(), name="photo"),
    path("photos/<int:photo_id>/retry/", views.PhotoRetryView.as_view(), name="photo_retry"),
    re_path("", views.UnknownView.as_view(), name="unknown"),
]
