from django.urls import path

from webapp.exchange import views

urlpatterns = [
    path("", views.exports, name="exports"),
    path("download/", views.export_download, name="export_download"),
]
