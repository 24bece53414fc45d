"""A node's append-only log: pure functions over hashes and exact bytes, no storage and no network.

`merkle` the tree and its proofs, `tiles` the paths under which its hashes are served, `note` signed notes,
`checkpoint` the signed tree heads, `cosignature` what witnesses add to them, `timestamp` what an authority adds.
"""
