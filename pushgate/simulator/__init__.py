"""The simulator: the push service's side, scriptable; for tests, trials and the demo.

`service.Simulator` is the whole of it, made from a `config.SimulatorTable`; `rules` is the language of its
fault scripts, `certificates` what a client needs to connect.
"""
