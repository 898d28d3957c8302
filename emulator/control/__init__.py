"""The control plane under ``/_local/``: health, clock, settle, resources, meter, invocations."""
