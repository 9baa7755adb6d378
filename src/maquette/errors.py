"""The one family of exceptions that maquette raises on purpose."""


class MaquetteError(Exception):
    """What is wrong, with which file, and what to do about it, in one line.

    Everything that a user can cause (a corrupt file, a bad option, a full disk) arrives as this
    class or a subclass. The command line prints the message and exits with status 2.
    """


class PhotoError(MaquetteError):
    """A picture file that cannot be used."""


class ModelError(MaquetteError):
    """A network file that is missing, altered, or does not keep its contract."""


class ExportError(MaquetteError):
    """An output that could not be written."""
