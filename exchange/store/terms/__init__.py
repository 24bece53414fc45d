"""Who may have what: grants, approvals, policy, withdrawals."""
