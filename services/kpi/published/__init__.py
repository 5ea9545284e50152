"""The indicators that are published: of the running and the last hour, shift and order of every asset path.

`windows` follows the rows that the ledger writer changes, in `window_totals` (hours and shifts) and `order_windows`;
`window_sums` are what a window adds up to, by the `members`, `periods` when it begins and ends. Rows and the state of
machines come in from the ledger writer, what indicators need besides from the store; no row is made here.
"""
