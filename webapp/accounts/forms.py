from django.contrib.auth.forms import UserCreationForm

from webapp.accounts.models import User


class SignupForm(UserCreationForm[User]):
    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username",)
