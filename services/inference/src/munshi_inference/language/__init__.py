"""How people write: scripts, spellings, numbers, dates, honorifics. Pure; no model and no I/O."""
