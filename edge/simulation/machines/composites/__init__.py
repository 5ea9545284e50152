"""Machines that make parts of fibre and resin: laying, infusing, curing in an autoclave, trimming."""
