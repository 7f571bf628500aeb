"""Names and values inside statements that take no parameters, such as CREATE ROLE."""


def identifier(name: str) -> str:
    """`name` as a quoted identifier.

    Raises:
        ValueError: PostgreSQL would refuse or cut it.
    """
    if not name or "\x00" in name or len(name.encode()) > 63:
        raise ValueError(f"{name!r} is no name for PostgreSQL: 1 to 63 bytes, no NUL")
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """`value` as a quoted string, sound whatever `standard_conforming_strings` is.

    Raises:
        ValueError: it has a NUL.
    """
    if "\x00" in value:
        raise ValueError("a value for PostgreSQL cannot have a NUL")
    return "E'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
