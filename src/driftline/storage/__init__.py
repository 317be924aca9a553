"""Where objects lie: list, open and put, the same for folders, S3, Google Cloud Storage and Azure."""
