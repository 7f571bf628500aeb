"""A stand-in for Meta's Graph API and for WhatsApp itself, with a phone-like page."""
