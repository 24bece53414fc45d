"""The meeting pack in words, drawings, tables and as PDF; its page."""
