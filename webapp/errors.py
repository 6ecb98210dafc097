"""The errors that people are told. `code` is for programs; `message` names the value, the limit and the remedy."""


class SiteError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)  # both as args, so that it survives the way out of a child process
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


class ActionRefused(SiteError):
    """What was asked does not fit the state that the row is in."""
