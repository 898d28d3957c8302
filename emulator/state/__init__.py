"""State that can be kept: everything users made in the local cloud, in a directory, from one run to the next.

`directory` owns the directory, `blobs` holds object bytes once, `backends` says what is kept, `pickling`
writes and reads it, `snapshot` is the file, `keeper` decides when to save, `restart` tells the state what a
restart ended. The decision behind it is docs/adr/0007.
"""
