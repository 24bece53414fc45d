"""The pages for people, below ``/app``: a route checks who asks, calls flows and draws what they return. They import
nothing of ``web/rest``."""
