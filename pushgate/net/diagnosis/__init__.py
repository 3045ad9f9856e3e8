"""What `pushgate doctor` looks at, whatever the service: files, certificates, names, TCP, TLS, HTTP."""
