"""The simulator: the push service's side, scriptable; for tests, trials and the demo."""
