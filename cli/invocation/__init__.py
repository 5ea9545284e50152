"""How a command is called and answers: options and their sources, times, errors, progress, plain text."""
