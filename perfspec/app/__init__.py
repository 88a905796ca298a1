"""Floor 8: the use cases behind the commands, a file each. Prints nothing, exits never; tests and programs call these.

Whoever calls gets values back: diagnostics with the sources to quote from, a plan, a result. Errors that end a use case
are PerfspecErrors with their exit code.
"""
