"""A machined dimension: what wear of the tool, warmth and chance add up to, against the limits of the drawing."""


def error_um(wear: float, growth_um: float, chance_um: float, worn_um: float = 6.0) -> float:
    """Return how far a dimension is off its nominal: wear + thermal growth + noise.

    The cutter gives way as its edge gets blunt, most at the end, so wear counts with its square. That share, and what a
    worn tool leaves, are assumptions.

    Args:
        wear: flank wear as a share of that at the end of the tool's life, VB/VBmax.
        growth_um: how far machine and piece have grown.
        chance_um: of this piece: clamping, backlash, the probe.
        worn_um: error that a tool at the end of its life leaves.
    """
    return worn_um * wear**2 + growth_um + chance_um
