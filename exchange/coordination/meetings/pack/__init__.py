"""What a node gives to the meeting pack and its head approves; the local pack and the regional one."""
