"""The pages for people, below ``/app``: HTML over the same flows that the REST answers come from."""
