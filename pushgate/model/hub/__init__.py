"""The values of a hub: registrations, installations, sends, and what became of them."""
