from webapp.captioning.models import Caption


class CaptionForReview(Caption):
    """The same rows as captions, under a page of the admin of their own. Its permissions are those of `Decision`."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "caption for review"
        verbose_name_plural = "captions for review"
