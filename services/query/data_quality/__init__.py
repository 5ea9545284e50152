"""What spoils an answer: silent machines, meters and fields that nobody reports, readings that are no production.

Sums, signs of life and stored readings come in; findings go out, from which warnings are made. No number is changed.
"""
