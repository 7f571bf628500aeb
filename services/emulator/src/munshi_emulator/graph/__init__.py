"""The Graph API as Meta's customers see it: `/{version}/…`."""
