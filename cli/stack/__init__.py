"""`corridor stack …`: secrets, broker files, TLS and the check of the compose stack."""
