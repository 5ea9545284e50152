"""What a store holds as sheets, and sheets as CSV or Parquet files."""
