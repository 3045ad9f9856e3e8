"""pushgate: a push gateway an organisation runs itself."""

__version__ = "0.1.0"
