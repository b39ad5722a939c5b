"""Pictures as files: PNG by bands, `.npy` heads, thumbnails. Bytes in, bytes out: nothing here opens a file."""
