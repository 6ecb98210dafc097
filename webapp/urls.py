from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from webapp.monitoring.health import healthz, readyz
from webapp.monitoring.metrics import metrics

handler400 = "webapp.gallery.views.error_pages.bad_request"
handler500 = "webapp.gallery.views.error_pages.server_error"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("webapp.gallery.urls")),
    path("batches/", include("webapp.batches.urls")),
    path("exports/", include("webapp.exchange.urls")),
    path("media/", include("webapp.photos.urls")),
    path("accounts/", include("webapp.accounts.urls")),
    path("api/v1/", include("webapp.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("admin/lost-and-found/", include("webapp.upkeep.urls")),
    path("admin/", admin.site.urls),
]
