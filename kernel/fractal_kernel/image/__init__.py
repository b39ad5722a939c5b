"""Pictures as files: PNG by bands, `.npy` heads. Bytes in, bytes out: nothing here opens a file."""
