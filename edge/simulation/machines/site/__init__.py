"""Machines that serve several lines of a site: vehicles, cranes, compressed air, cooling water, power."""
