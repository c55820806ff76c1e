"""Files of exports: CSV, XLSX, Parquet; written in constant memory, the same bytes for the same rows."""
