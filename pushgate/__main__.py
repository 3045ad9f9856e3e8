"""``python -m pushgate`` is the `pushgate` command."""

from pushgate.cli import main

if __name__ == "__main__":
    main(prog_name="pushgate")
