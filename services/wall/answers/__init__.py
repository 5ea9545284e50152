"""What the wall answers with: documents and tables of stored ranges, and the numbers of now.

Questions and events come in, and what `services.query` makes of them goes out. No number is computed here.
"""
