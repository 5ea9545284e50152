"""Commands about the ledger: its figures and their explanation, export, bookings by hand, recomputing, scoring."""
