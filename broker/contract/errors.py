"""The one error that a message can cause: what is wrong, and a hint how to fix it."""


class ContractError(ValueError):
    """A topic or payload that is not of the contract.

    Attributes:
        problem: what is wrong, in a few words: the reason stored with a rejected message.
        hint: what its sender can do about it.
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(f"{problem}; {hint}" if hint else problem)
        self.problem = problem
        self.hint = hint


def shown(text: str) -> str:
    """Return a text of the sender's for an error text: quoted and shortened."""
    return repr(text if len(text) <= 48 else text[:45] + "…")
