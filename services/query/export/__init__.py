"""What a store holds as sheets, and sheets as CSV or Parquet files.

A store and a range come in, rows of named columns go out. It computes no indicator.
"""
