"""`python -m munshi_emulator`."""

from munshi_emulator.main import main

if __name__ == "__main__":
    main()
