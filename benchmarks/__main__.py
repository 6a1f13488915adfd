"""Run by ``python -m benchmarks`` from the checkout."""

from benchmarks.command import main

if __name__ == "__main__":
    main()
