"""Files that people send: what they are, and a form of them that engines read. Computes; fetches nothing."""
