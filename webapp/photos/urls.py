from django.urls import path

from webapp.photos import views

urlpatterns = [
    path("<int:photo_id>/<str:kind>/", views.media, name="media"),
]
