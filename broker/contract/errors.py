"""The one error that a message can cause: it says what is wrong, and how to mend it."""


class ContractError(ValueError):
    """A topic or payload that is not of the contract.

    Attributes:
        problem: what is wrong, in a few words: the reason kept with a refused message.
        hint: what its sender can do about it.
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(f"{problem}; {hint}" if hint else problem)
        self.problem = problem
        self.hint = hint


def shown(text: str) -> str:
    """Return a text of the sender's as an error text shows it: quoted, and not at length."""
    return repr(text if len(text) <= 48 else text[:45] + "…")
