"""Colours as constant tables: sRGB and the palettes. No function of the C library is called here."""
