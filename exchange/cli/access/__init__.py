"""``ffp user``, ``ffp token``: who may use this node."""
