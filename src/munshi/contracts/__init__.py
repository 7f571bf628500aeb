"""What the programs of Munshi say to each other: pydantic and the standard library only."""
