"""Makes the Ledger's model: generator of sentences, training and evaluation."""
