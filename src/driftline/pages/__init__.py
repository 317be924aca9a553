"""What people look at: tables for a terminal, the report as one HTML page, a short form of it for notebooks."""
