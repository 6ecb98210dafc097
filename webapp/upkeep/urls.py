from django.contrib import admin
from django.urls import path

from webapp.upkeep import views

urlpatterns = [
    path("", admin.site.admin_view(views.lost_and_found), name="lost_and_found"),
    path("<str:name>/", admin.site.admin_view(views.lost_thumbnail), name="lost_thumbnail"),
]
