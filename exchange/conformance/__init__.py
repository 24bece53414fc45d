"""Does a node keep the contract? Checks that run from outside, against any node by its URL.

``suite`` names and runs them; ``check`` says what a check is, ``visit`` what all of them share.
A stranger's checks (``card``, ``answers``, ``doors``, ``limits``) need nothing but the address.
A guest's need a peer that the tested node has enrolled (``guest``): it reads its lane there (``reading``, ``requests``,
``witnessing``), and lets the tested node read a lane of its own (``owning``), with ``poison`` on it, and then with
``lies`` about it.
"""
