"""`python -m perfspec` is the command `perfspec`."""

from perfspec.cli import main

if __name__ == "__main__":
    main()
