from django.urls import path

from webapp.batches import views

urlpatterns = [
    path("", views.batches, name="batches"),
    path("<int:batch_id>/", views.batch, name="batch"),
    path("<int:batch_id>/<str:action>/", views.batch_change, name="batch_change"),
]
