"""Commands of the region's coordination: actions, meetings, how a jurisdiction comes in."""
