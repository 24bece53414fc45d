"""What meetings agreed on, who attended them, and how far a jurisdiction is on its way in."""
