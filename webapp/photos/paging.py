PHOTOS_ON_PAGE = 24  # in the gallery, and of a batch
