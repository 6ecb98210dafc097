"""Permission to see other people's photos."""

from typing import Final

from webapp.accounts.models import User

SEE_ALL_PHOTOS: Final = (  # staff need any one of these
    "photos.view_photo",
    "captioning.view_decision",
    "captioning.add_decision",
)


def sees_all_photos(user: User) -> bool:
    return user.is_staff and any(user.has_perm(permission) for permission in SEE_ALL_PHOTOS)
