"""pushgate: a push gateway an organisation runs itself."""

__version__ = "0.2.0"
