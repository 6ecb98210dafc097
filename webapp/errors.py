"""Errors shown to people. `code` is for programs; `message` names the value, the limit and the remedy."""


class SiteError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)  # both as args, so the error can be pickled
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


class ActionRefused(SiteError):
    """The row's state does not allow the action."""
