"""What can go wrong in the local cloud.

EmulatorError
├── Unsupported        a template asks for what the local cloud would otherwise ignore in silence
├── DeployFailed       a resource could not be made; names stack, resource and type
├── BadAssembly        a directory is no cloud assembly, or lacks a file its manifest names
├── UnknownFunction    a name or ARN that no deployed function has
├── NotPermitted       a function's policy does not let a service invoke it
├── Interrupted        a signal ended the local cloud before its deployment was done
├── PortTaken          another program listens on the port
├── StateRefused       a state directory cannot be used; nothing in it was changed
└── StateNotSaved      the state could not be written; what was saved before is still there
"""


class EmulatorError(Exception):
    """Base of everything the local cloud raises on purpose."""


class Unsupported(EmulatorError):
    """A template asks for something the local cloud does not model."""


class DeployFailed(EmulatorError):
    """A resource of a stack could not be made, changed or removed."""


class BadAssembly(EmulatorError):
    """A directory is not a usable cloud assembly."""


class UnknownFunction(EmulatorError):
    """No deployed function has this name."""


class NotPermitted(EmulatorError):
    """A function's policy does not let a service invoke it."""


class Interrupted(EmulatorError):
    """The local cloud was told to end while it deployed."""


class PortTaken(EmulatorError):
    """The port is in use."""


class StateRefused(EmulatorError):
    """A state directory is in use, damaged, foreign, or of another version."""


class StateNotSaved(EmulatorError):
    """The state could not be written."""
