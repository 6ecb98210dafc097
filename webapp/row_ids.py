"""Ids of rows, as query strings and forms carry them."""


def row_id(text: str) -> int | None:
    """None if it cannot be an id."""
    return int(text) if text.isdecimal() and len(text) < 19 else None
