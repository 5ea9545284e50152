"""The command line: one file a command group. It wires the other packages together and holds no logic of its own.

How to add a command:

1. Write a plain function with typer annotations in `cli/<subject>/<group>.py`. Its docstring is the command's help. It
   may import what it likes at the top of its file: the file is loaded only when one of its commands is called.

       def publish(topic: str, payload: str, *, broker: options.Broker = options.BROKER) -> None:
           \"\"\"Publish one message.\"\"\"

2. Add a line to the table `COMMANDS` in `cli/main.py`: name as typed (`"publish"`, or two words, `"kpi show"`), the
   section of the help that it stands in, `"cli.messages.publish:publish"`, and one line of help.

What every command can rely on:

- An option `--mqtt-port` that is not on the command line is looked up in `CORRIDOR_MQTT_PORT`, then in the file that
  `CORRIDOR_MQTT_PORT_FILE` names, then in `corridor.toml` of the data folder (`cli/invocation/settings.py`); only then
  its default is taken.
- Options that several commands share are spelt once, in `cli/invocation/options.py`. - A mistake of the user's, or of
the world around, is raised as `cli.invocation.errors.CommandError(problem, hint)`: the user sees
  one line on standard error, and the exit status is 1. `OSError` and every error class of our own packages are shown
  in the same way, alone or in a group; anything else is a bug and shows its traceback (with `CORRIDOR_DEBUG=1`, all
  do). Wrong use (`typer.BadParameter`) ends with 2, Ctrl-C with 130. To answer "no", raise `typer.Exit(1)`.
- Data goes to standard output (with `--json`: one document and nothing else), messages to standard error.

This package may import all others; nothing imports it.
"""
