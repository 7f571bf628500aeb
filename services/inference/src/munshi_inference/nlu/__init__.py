"""The Ledger's understanding: a trained tagger and classifier, with the parsers of `language` beside them."""
