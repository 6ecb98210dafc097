from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from webapp.accounts import views

urlpatterns = [
    path(
        "login/",
        LoginView.as_view(
            template_name="accounts/login.html",
            redirect_authenticated_user=True,
            extra_context={"signup_open": settings.SIGNUP_OPEN},
        ),
        name="login",
    ),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("signup/", views.signup, name="signup"),
]
