"""Who may have what: the policy, grants and approvals, withdrawals, holds and erasure."""
