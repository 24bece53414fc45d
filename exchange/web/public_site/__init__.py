"""The public site of the region: static pages in ten languages, without scripts, of what signed editions tell."""
