from webapp.captioning.models import Caption


class CaptionForReview(Caption):
    """The rows of `Caption`, with their own page in the admin. The permissions are those of `Decision`."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "caption for review"
        verbose_name_plural = "captions for review"
