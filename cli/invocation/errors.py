"""The one error that a command raises for its user."""


class CommandError(Exception):
    """A command cannot do what it was asked to, and its user can do something about it.

    It is shown as one line, `corridor: problem; hint`, and ends the command with the exit status 1.

    Attributes:
        problem: what is wrong, and where.
        hint: what to do about it.
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(f"{problem}; {hint}" if hint else problem)
        self.problem = problem
        self.hint = hint
