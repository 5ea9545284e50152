"""Coolant: an emulsion gets richer as its water evaporates, and leaner when it is topped up."""


def concentration_percent(filled_percent: float, tank_l: float, evaporated_l: float) -> float:
    """Return the concentration of an emulsion; its oil stays while the water goes, `c = c0·V / (V − ΔV)`.

    Args:
        filled_percent: c0, with the tank full.
        tank_l: V of the full tank.
        evaporated_l: ΔV, the water that is gone, below V.
    """
    return filled_percent * tank_l / (tank_l - evaporated_l)
