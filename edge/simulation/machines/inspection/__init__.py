"""Machines that inspect and change nothing: measuring, scanning, radiography, ultrasound."""
