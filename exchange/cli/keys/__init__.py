"""``ffp key``, ``ffp root``, ``ffp peer``: whose keys are believed."""
