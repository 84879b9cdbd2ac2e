"""The store in a bucket, and the server that stands in for Cloud Storage."""
