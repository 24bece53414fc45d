"""How far a focal point has come by what people see: a questionnaire, its answers, and what follows. Needs no node."""
