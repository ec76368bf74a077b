"""Where the outside begins: Twilio's API, signatures and markup, and telephone numbers."""
