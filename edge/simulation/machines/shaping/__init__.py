"""Primary shaping (DIN 8580): casting, pressing and sintering powder, printing metal and polymer."""
