"""Products of columns that would not fit 64 bits before they are divided."""

import numpy as np

from services.ledger.columnar.columns import Whole
from services.ledger.fields import NANO


def times(amount: Whole, factor: Whole, more: int = 0) -> Whole:
    """Return (amount × factor + more) ÷ 10⁹, rounded down, without the product, which would not fit 64 bits."""
    high, low = np.divmod(amount, NANO)
    factor_high, factor_low = np.divmod(factor, NANO)
    product: Whole = high * factor + low * factor_high + (low * factor_low + more) // NANO
    return product
