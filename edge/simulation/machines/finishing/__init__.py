"""Machines that finish a part: grinding and polishing, washing, marking, packing."""
