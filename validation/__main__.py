"""Run by ``python -m validation`` from the checkout."""

from validation.command import main

if __name__ == "__main__":
    main()
