"""`python -m munshi_emulator`."""

from .main import main

if __name__ == "__main__":
    main()
