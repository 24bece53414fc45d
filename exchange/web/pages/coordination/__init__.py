"""What meetings agreed on, who attended, and how a jurisdiction comes in."""
