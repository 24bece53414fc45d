"""Parts of the software that not every node needs: each is installed when it is wanted, from its own lock.

A lock (``pdf.lock``) names what the extra needs beside what every node has, with versions and digests; ``make lock``
writes it. The locks are in the wheel, so that a node installs exactly what its release was tested with.
"""
