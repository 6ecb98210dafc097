"""A page as a browser reads it."""

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "img"}


class Reading(HTMLParser):
    """texts: what stands in each element of a name, in order. attributes: those of each element of a name.

    Fails for elements that are not closed, or closed in another order.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.texts: dict[str, list[str]] = {}
        self.attributes: dict[str, list[dict[str, str | None]]] = {}
        self._open: list[tuple[str, int]] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.setdefault(tag, []).append(dict(attrs))
        texts = self.texts.setdefault(tag, [])
        if tag not in VOID:
            texts.append("")
            self._open.append((tag, len(texts) - 1))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.setdefault(tag, []).append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        name, _ = self._open.pop()
        assert name == tag, f"<{name}> is closed by </{tag}>"

    def handle_data(self, data: str) -> None:
        for tag, index in self._open:
            self.texts[tag][index] += data

    @property
    def foreign(self) -> list[str]:
        """Addresses that are not in the page itself, and scripts."""
        addresses = [
            str(value)
            for elements in self.attributes.values()
            for element in elements
            for name, value in element.items()
            if name in {"src", "href", "srcset", "action", "data"}
        ]
        addresses += re.findall(r"url\(([^)]*)\)", self.page) + re.findall(r"@import[^;]*", self.page)
        return [address for address in addresses if not address.startswith("data:")] + self.texts.get("script", [])

    def classed(self, tag: str, name: str) -> int:
        """How many elements `tag` are of the class `name`."""
        return sum(name in (element.get("class") or "").split() for element in self.attributes.get(tag, []))
