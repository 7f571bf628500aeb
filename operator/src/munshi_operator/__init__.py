"""The operator: turns every `WhatsAppTenant` into what serves it, and keeps it so."""
