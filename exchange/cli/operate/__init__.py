"""``ffp doctor``, ``ffp backup``, ``ffp job``, ``ffp egress``: looking after a node."""
