"""What is understood though it is not of the strict form, and what is recognised as another system's.

Payloads that the strict types reject come in; payloads of the contract, or a better error, go out. No guess: only what
has one meaning is accepted.
"""
