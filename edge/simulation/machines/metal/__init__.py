"""Machines that cut and bend metal: mills, turn-mills, a press brake, and what machine tools share."""
