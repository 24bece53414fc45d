"""How far a focal point has come: by what its node shows, by what people answer, and on its way in."""
