"""Labels that come later than the predictions they belong to: kept in an index, joined, counted, merged."""
