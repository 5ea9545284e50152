"""A machine that makes a piece a second, in the ways in which people try first: lines to copy and change.

Each file has places for what differs: `@ASSET@` (the path), `@CLIENT@` (a client id), `@HOST@`, `@PORT@`, `@USER@` and
`@PASSWORD@`. The command line, the wall and the how-to page show the same files.
"""
