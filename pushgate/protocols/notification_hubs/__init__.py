"""The wire of notification hubs, as the SDKs speak it: signatures, registrations, telemetry, jobs. Pure."""
