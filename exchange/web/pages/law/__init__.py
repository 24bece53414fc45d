"""The law of each side: at a glance, of one side, of a pair; and where the head enters this side's."""
