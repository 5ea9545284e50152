"""`corridor sbom`: the bill of materials, made from the lock file."""
